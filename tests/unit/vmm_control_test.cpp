// SPDX-License-Identifier: GPL-2.0-only
// Who speaks to a running guest, and who only half does.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>

#include "vmm/control/channel.h"
#include "vmm/control/server.h"

namespace ring1::vmm {
namespace {

class VmmControl : public ::testing::Test {
 protected:
  static std::string ask(std::string_view question) {
    const UniqueFd peer = connect_control(::getpid());
    write_line(peer.get(), question);
    return read_line(peer.get()).value_or("no answer");
  }
  static UniqueFd say(std::string_view text) {
    UniqueFd peer = connect_control(::getpid());
    EXPECT_EQ(::send(peer.get(), text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
    return peer;
  }
  std::unique_ptr<ControlServer> server_ =
      std::make_unique<ControlServer>([](const std::string& request) { return "ok " + request; });
};

TEST_F(VmmControl, LinesAreAnswered) {
  EXPECT_EQ(ask("one"), "ok one");
  EXPECT_EQ(ask("two"), "ok two");
}

TEST_F(VmmControl, HalfALineKeepsNobody) {
  const UniqueFd silent = say(""), half = say("sav");
  EXPECT_EQ(ask("three"), "ok three");
  say("e\n");
  EXPECT_EQ(::send(half.get(), "e\n", 2, MSG_NOSIGNAL), 2);
  EXPECT_EQ(read_line(half.get()), "ok save");
  const UniqueFd again = say("half");
  server_.reset();  // the guest's end does not wait for it
  EXPECT_EQ(read_line(again.get()), std::nullopt);
}

TEST_F(VmmControl, AnyNumberOfHalfLines) {
  std::vector<UniqueFd> peers;
  for (int i = 0; i < 100; i++) peers.push_back(say("half"));
  EXPECT_EQ(ask("four"), "ok four");
}

TEST_F(VmmControl, TooLongALineIsNone) {
  const UniqueFd peer = connect_control(::getpid());
  const std::string text(kLongestLine, 'x');
  EXPECT_GT(::send(peer.get(), text.data(), text.size(), MSG_NOSIGNAL), 0);
  EXPECT_EQ(read_line(peer.get()), std::nullopt);
  EXPECT_EQ(ask("five"), "ok five");
}

}  // namespace
}  // namespace ring1::vmm
