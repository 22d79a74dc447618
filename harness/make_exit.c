// SPDX-License-Identifier: GPL-2.0-only
// A loadable object for GNU make, which by itself ends with status 2 whenever a command fails: $(exit-as FILE)
// ends make with the status written in FILE, which it removes, unless that is 0 or there is no such file.

#include <gnumake.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int plugin_is_GPL_compatible;

static char *exit_as(const char *name, unsigned int argc, char **argv) {
  int status = 0;
  (void)name;
  (void)argc;
  FILE *file = fopen(argv[0], "r");
  if (file) {
    if (fscanf(file, "%d", &status) != 1) status = 125;
    fclose(file);
    unlink(argv[0]);
  }
  if (status != 0) exit(status);
  return NULL;
}

int make_exit_gmk_setup(const gmk_floc *location);
int make_exit_gmk_setup(const gmk_floc *location) {
  (void)location;
  gmk_add_function("exit-as", exit_as, 1, 1, GMK_FUNC_DEFAULT);
  return 1;
}
