// SPDX-License-Identifier: GPL-2.0-only
// A visit to the host: what is served meanwhile, what comes with it, and when the host gets a turn.
#include <gtest/gtest.h>

#include <cstring>

#include "monitor_world.h"

namespace ring1::monitor {
namespace {

constexpr int kTurn = 40000;  // instructions after which the host has had one

TEST(Host, ServesCommandsUntilToldToRun) {
  FakeWorld world;
  world.commands = {RING1_COMMAND_STATE_WRITTEN, RING1_COMMAND_LOG_DIRTY};
  world.host.request(RING1_REQUEST_HALT);
  EXPECT_EQ(world.commanded, (std::vector<ring1_command>{RING1_COMMAND_STATE_WRITTEN, RING1_COMMAND_LOG_DIRTY}));
  EXPECT_EQ(world.requests(RING1_REQUEST_HALT), 1u);
  EXPECT_EQ(world.requests(RING1_REQUEST_DONE), 2u);
}

TEST(Host, TellsTheStatusOfACommand) {
  FakeWorld world;
  world.commands = {RING1_COMMAND_GET_PIT};
  world.host.request(RING1_REQUEST_HALT);
  EXPECT_EQ(world.shared.status, -EINVAL);
}

TEST(Host, KnowsThatItAsksForPages) {
  FakeWorld world;
  bool asking = true;
  world.answer = [&](ring1_exit&) { asking = world.host.asking_for_pages(); };
  world.host.exit_to_user(KVM_EXIT_HLT);
  EXPECT_FALSE(asking);
  EXPECT_FALSE(world.host.asking_for_pages());
}

TEST(Host, PublishesBeforeUserSpaceLooks) {
  FakeWorld world;
  unsigned published = 0;
  uint32_t reason = 0;
  world.answer = [&](ring1_exit& exit) { published = world.left_for_user, reason = exit.reason; };
  world.host.exit_to_user(KVM_EXIT_HLT);
  EXPECT_EQ(published, 1u);
  EXPECT_EQ(reason, uint32_t{KVM_EXIT_HLT});
}

TEST(Host, EachVisitIsNoticedOnce) {
  FakeWorld world;
  (void)world.host.take_visited();
  EXPECT_FALSE(world.host.take_visited());
  const uint64_t visits = world.host.visits();
  world.host.request(RING1_REQUEST_DEADLINE);
  EXPECT_EQ(world.host.visits(), visits + 1);
  EXPECT_TRUE(world.host.take_visited());
  EXPECT_FALSE(world.host.take_visited());
}

TEST(Host, WithdrawalsComeWithAnyVisit) {
  FakeWorld world;
  world.withdraw = {{100, 10}};
  world.host.request(RING1_REQUEST_DEADLINE);
  ASSERT_EQ(world.withdrawn_pages.size(), 1u);
  EXPECT_EQ(world.withdrawn_pages[0].gfn, 100u);
  EXPECT_TRUE(world.host.withdrew(109, 1));
  EXPECT_TRUE(world.host.withdrew(95, 6));
  EXPECT_FALSE(world.host.withdrew(110, 1));
  EXPECT_FALSE(world.host.withdrew(90, 10));
  world.host.request(RING1_REQUEST_DEADLINE);
  EXPECT_FALSE(world.host.withdrew(100, 10));
}

TEST(Host, TimeThatStoodIsToldOnce) {
  FakeWorld world;
  world.shared.stopped_cycles = 500;
  world.host.request(RING1_REQUEST_DEADLINE);
  world.host.request(RING1_REQUEST_DEADLINE);
  EXPECT_EQ(world.stood, 500u);
  world.shared.stopped_cycles = 800;
  world.host.request(RING1_REQUEST_DEADLINE);
  EXPECT_EQ(world.stood, 800u);
}

TEST(Host, GetsATurnAfterSomeWork) {
  FakeWorld world;
  for (int done = 0; done < kTurn; done += 100) world.host.work(100);
  EXPECT_EQ(world.requests(RING1_REQUEST_POLL), 1u);
  EXPECT_EQ(world.shared.stats.polls, 1u);
}

TEST(Host, IsImpatientBeforeItsTurn) {
  FakeWorld world;
  EXPECT_FALSE(world.host.impatient());
  world.host.work(25000);
  EXPECT_TRUE(world.host.impatient());
  EXPECT_EQ(world.requests(RING1_REQUEST_POLL), 0u);
}

TEST(Host, AStayInTheGuestIsATurn) {
  FakeWorld world;
  for (int i = 0; i < 10; i++) {
    world.host.work(25000);
    world.host.stay_ends(0);
    world.host.stay_begins(0);
  }
  EXPECT_EQ(world.requests(RING1_REQUEST_POLL), 0u);
}

TEST(Host, NoCommandIsServedInTheMiddleOfWork) {
  FakeWorld world;
  world.commands = {RING1_COMMAND_STATE_WRITTEN};
  world.host.work(kTurn);
  EXPECT_EQ(world.requests(RING1_REQUEST_POLL), 1u);
  EXPECT_TRUE(world.commanded.empty());
}

TEST(Host, TheLongestStayIsCounted) {
  FakeWorld world;
  world.host.stay_begins(1000);
  world.host.stay_ends(5000);
  world.host.stay_begins(6000);
  world.host.stay_ends(7000);
  EXPECT_GE(world.shared.stats.longest_stay, 4000u);
}

TEST(PagePool, GivesZeroedPagesInBatches) {
  FakeWorld world;
  auto* page = static_cast<uint8_t*>(world.pool.allocate_page());
  ASSERT_NE(page, nullptr);
  EXPECT_EQ(world.requests(RING1_REQUEST_PAGES), 1u);
  std::memset(page, 0xff, kPageSize);
  world.pool.release_page(page);
  auto* again = static_cast<uint8_t*>(world.pool.allocate_page());
  EXPECT_EQ(again, page);
  for (unsigned i = 0; i < kPageSize; i++) ASSERT_EQ(again[i], 0);
  EXPECT_EQ(world.requests(RING1_REQUEST_PAGES), 1u);
}

TEST(PagePool, SaysThatThereIsNoMemory) {
  FakeWorld world;
  world.pages_left = 2;
  paging::Page first, second, third;
  EXPECT_TRUE(world.pool.allocate(&first));
  EXPECT_TRUE(world.pool.allocate(&second));
  EXPECT_FALSE(world.pool.allocate(&third));
  world.pool.release(first);
  EXPECT_TRUE(world.pool.allocate(&third));
  EXPECT_EQ(third.va, first.va);
  EXPECT_EQ(third.hpa, world.pool.hpa_of(third.va));
}

std::string text_of(const FakeWorld& world) { return std::string(world.shared.log.text, world.shared.log.head); }

TEST(Log, FormatsNumbersAndText) {
  FakeWorld world;
  world.log.line("%s %d %u %x %08x %lx %016lx", "words", -5, 7u, 255u, 0xabcu, 0x1'0000'0000ul, 0x12ul);
  EXPECT_NE(text_of(world).find("words -5 7 ff 00000abc 100000000 0000000000000012\n"), std::string::npos);
}

TEST(Log, WrapsAroundWithoutLeavingTheRing) {
  FakeWorld world;
  for (unsigned i = 0; i < 5000; i++) world.log.line("line %u of many that are written one after the other", i);
  EXPECT_GT(world.shared.log.head, uint64_t{RING1_LOG_SIZE});
}

}  // namespace
}  // namespace ring1::monitor
