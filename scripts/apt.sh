# SPDX-License-Identifier: GPL-2.0-only
# An apt of our own beside the system's: own lists (amd64, i386 and sources of Debian's main archive) in the
# cache, nothing is installed, the system's lists stay untouched. The main archive alone keeps image and headers
# at one version, and its indexes do not move between two point releases. What only the security archive has is fetched
# through lists apart, for the same reason: use_archive says which. Sourced after lib.sh.

use_archive() {
  archive=$1
  apt_home=$cache/apt
  [ "$1" = main ] || apt_home=$cache/apt-$1
  lists_stamp=${apt_home##*/}-lists
  own_apt_conf=$apt_home/apt.conf
}
use_archive main

apt_sources() {
  local key=/usr/share/keyrings/debian-archive-keyring.gpg options
  [ -e $key ] || die "$key is missing" "apt-get install debian-archive-keyring"
  options="signed-by=$key"
  case $archive in
    main) printf '%s\n' "deb [arch=amd64,i386 $options] $mirror $suite main" "deb-src [$options] $mirror $suite main" ;;
    security) printf '%s\n' "deb [arch=amd64 $options] $security_mirror $suite-security main" ;;
  esac
}

own_apt_prepare() {
  mkdir -p "$apt_home"/{state/lists/partial,cache/archives/partial} "$cache/deb"
  : >"$apt_home/status"
  apt_sources >"$apt_home/sources.list"
  cat >"$own_apt_conf" <<END
Dir::State "$apt_home/state";
Dir::State::status "$apt_home/status";
Dir::Cache "$apt_home/cache";
Dir::Etc::sourcelist "$apt_home/sources.list";
Dir::Etc::sourceparts "-";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
APT::Architecture "amd64";
APT::Architectures { "amd64"; "i386"; };
APT::Sandbox::User "root";
APT::Get::List-Cleanup "false";
Acquire::Languages "none";
Acquire::Retries "3";
END
}

own_apt() { local tool=$1; shift; APT_CONFIG=$own_apt_conf "apt-$tool" "$@"; }

# Fetches the package lists once; everything that needs them calls this first.
own_apt_lists() {
  stamped "$lists_stamp" && return
  own_apt_prepare
  say "fetching the package lists of Debian's $archive archive"
  quietly own_apt get update ||
    die "the package lists of Debian's $archive archive could not be fetched" \
      "check the network, or set RING1_MIRROR and RING1_SECURITY_MIRROR to other mirrors"
  stamp "$lists_stamp"
}

# package_behind META: the package that a kernel metapackage depends on.
package_behind() {
  own_apt cache depends "$1" | sed -n 's/^ *Depends: \(linux-[a-z]*-[0-9][^ ]*\).*/\1/p' | head -n 1
}

# unpack_deb PACKAGE[:ARCH] DIRECTORY
unpack_deb() {
  local work
  work=$(mktemp -d "$cache/deb/XXXXXX")
  say "fetching $1"
  (cd "$work" && quietly own_apt get download "$1") || {
    rm -rf "$work" "$cache/stamp/$lists_stamp"
    die "package $1 could not be downloaded" "try again: the lists are fetched anew; or set RING1_MIRROR"
  }
  mkdir -p "$2"
  dpkg -x "$work"/*.deb "$2" || die "package $1 could not be unpacked into $2" "is the disk full?"
  rm -rf "$work"
}
