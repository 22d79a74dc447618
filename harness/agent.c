// SPDX-License-Identifier: GPL-2.0-only
// agent PORT NONCE COMMAND [ARGUMENT...]: runs the command and sends what it writes through a serial port, in
// frames that survive among kernel messages on the same line:
//
//   @NONCE KIND SEQUENCE CRC32 BASE64 newline
//
// Kinds: h the agent started, o standard output, e standard error, f file descriptor 3, x the exit status.
// Static, for the host's initramfs (64-bit) and the guest's (32-bit); frames.py is the other end.

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

// A frame must fit into one write of the terminal layer (2048 bytes): nothing comes between its bytes then but
// the kernel's own messages.
enum { kPayload = 1200, kStreams = 3 };
static const char kKinds[kStreams] = {'o', 'e', 'f'};

static int port;
static const char *nonce;

static void fail(const char *what) {
  fprintf(stderr, "agent: %s: %s\n", what, strerror(errno));
  exit(125);
}

static uint32_t crc32(const unsigned char *data, size_t size) {
  uint32_t crc = ~0u;
  while (size--) {
    crc ^= *data++;
    for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (0xedb88320u & -(crc & 1));
  }
  return ~crc;
}

static size_t base64(const unsigned char *in, size_t size, char *out) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  char *start = out;
  for (size_t i = 0; i < size; i += 3) {
    size_t left = size - i;
    uint32_t group = in[i] << 16 | (left > 1 ? in[i + 1] << 8 : 0) | (left > 2 ? in[i + 2] : 0);
    *out++ = digits[group >> 18];
    *out++ = digits[group >> 12 & 63];
    *out++ = left > 1 ? digits[group >> 6 & 63] : '=';
    *out++ = left > 2 ? digits[group & 63] : '=';
  }
  return out - start;
}

static void send_frame(char kind, const unsigned char *payload, size_t size) {
  static unsigned sequence;
  static char line[2048];
  int length = snprintf(line, 128, "@%s %c %u %08x ", nonce, kind, sequence++, crc32(payload, size));
  length += base64(payload, size, line + length);
  line[length++] = '\n';
  for (int done = 0; done < length;) {
    ssize_t written = write(port, line + done, length - done);
    if (written < 0 && errno != EINTR) fail("write");
    if (written > 0) done += written;
  }
}

static void open_port(const char *path) {
  struct termios settings;
  port = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (port < 0) fail(path);
  if (tcgetattr(port, &settings) != 0) return;  // not a terminal: nothing to set
  cfmakeraw(&settings);
  cfsetspeed(&settings, B115200);
  settings.c_cflag |= CLOCAL;
  tcsetattr(port, TCSANOW, &settings);
}

static pid_t start(char **command, int source[kStreams]) {
  int sink[kStreams];
  for (int i = 0; i < kStreams; i++) {
    int ends[2];
    if (pipe(ends) != 0) fail("pipe");
    // Clear of the numbers 0..3 that the child's ends take.
    source[i] = fcntl(ends[0], F_DUPFD_CLOEXEC, 10);
    sink[i] = fcntl(ends[1], F_DUPFD_CLOEXEC, 10);
    close(ends[0]);
    close(ends[1]);
  }
  pid_t child = fork();
  if (child < 0) fail("fork");
  if (child == 0) {
    int nothing = open("/dev/null", O_RDONLY);
    setsid();
    dup2(nothing, 0);
    for (int i = 0; i < kStreams; i++) dup2(sink[i], i + 1);
    execvp(command[0], command);
    fail(command[0]);
  }
  for (int i = 0; i < kStreams; i++) close(sink[i]);
  return child;
}

// Forwards what is there to read; true while some stream may bring more.
static int forward(int source[kStreams], int milliseconds) {
  struct pollfd polled[kStreams];
  unsigned char buffer[kPayload];
  int open_streams = 0;
  for (int i = 0; i < kStreams; i++) {
    polled[i] = (struct pollfd){.fd = source[i], .events = POLLIN};
    open_streams += source[i] >= 0;
  }
  if (open_streams == 0 || poll(polled, kStreams, milliseconds) <= 0) return 0;
  for (int i = 0; i < kStreams; i++) {
    if (polled[i].revents == 0) continue;
    ssize_t size = read(source[i], buffer, sizeof buffer);
    if (size > 0) {
      send_frame(kKinds[i], buffer, size);
    } else {
      close(source[i]);
      source[i] = -1;
    }
  }
  return 1;
}

int main(int argc, char **argv) {
  int source[kStreams], status;
  char text[16];
  if (argc < 4) {
    fprintf(stderr, "usage: agent PORT NONCE COMMAND [ARGUMENT...]\n");
    return 125;
  }
  nonce = argv[2];
  open_port(argv[1]);
  send_frame('h', (const unsigned char *)"", 0);
  pid_t child = start(argv + 3, source);
  // Processes that the command left behind may hold its streams open: its own end is what counts.
  while (waitpid(child, &status, WNOHANG) == 0) {
    if (!forward(source, 20) && source[0] < 0 && source[1] < 0 && source[2] < 0) {
      waitpid(child, &status, 0);
      break;
    }
  }
  while (forward(source, 0)) {
  }
  int code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  send_frame('x', (const unsigned char *)text, snprintf(text, sizeof text, "%d", code));
  tcdrain(port);
  return 0;
}
