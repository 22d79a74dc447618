// SPDX-License-Identifier: GPL-2.0-only
// What is the same for every policy: lists, who is running, statistics.
#include "sched/policy.h"

using namespace ring1::sched;

namespace {

void link(Queue& queue, Entity& entity) {
  entity.queue = &queue;
  entity.next = nullptr;
  entity.prev = queue.last;
  (queue.last != nullptr ? queue.last->next : queue.first) = &entity;
  queue.last = &entity;
  queue.count++;
}

void unlink(Queue& queue, Entity& entity) {
  (entity.prev != nullptr ? entity.prev->next : queue.first) = entity.next;
  (entity.next != nullptr ? entity.next->prev : queue.last) = entity.prev;
  entity.next = entity.prev = nullptr;
  entity.queue = nullptr;
  queue.count--;
}

void begin_wait(Entity& entity, u64 now) { entity.statistics.wait_since = now; }

void end_wait(Entity& entity, u64 now) {
  auto& statistics = entity.statistics;
  const u64 waited = less(now, statistics.wait_since);
  statistics.wait += waited;
  statistics.longest_wait = greatest(statistics.longest_wait, waited);
}

void dispatch(Queue& queue, Entity* next, u64 now) {
  Entity* last = queue.current_entity;
  if (next == last) return;
  if (last != nullptr) begin_wait(*last, now);
  queue.current_entity = next;
  queue.ran = 0;
  if (next == nullptr) return;
  end_wait(*next, now);
  next->statistics.dispatches++;
}

}  // namespace

extern "C" {

void ring1_sched_queue_init(Queue* queue, __u32 policy, const ring1_sched_tunables* tunables, __u64 now) {
  *queue = {};
  queue->policy = policy;
  queue->tunables = *tunables;
  queue->credit_next = now + tunables->credit_period;
}

void ring1_sched_entity_init(Entity* entity, const Params* params) {
  *entity = {};
  entity->params = *params;
  entity->bvt.may_warp_at_once = 1;
}

void ring1_sched_attach(Queue* queue, Entity* entity, __u64 now) {
  link(*queue, *entity);
  policy_of(*queue).attach(*queue, *entity, now);
}

void ring1_sched_detach(Entity* entity, __u64 now) {
  Queue& queue = *entity->queue;
  if (entity->runnable) ring1_sched_sleep(entity, now);
  unlink(queue, *entity);
  policy_of(queue).detach(queue, *entity, now);
}

void ring1_sched_wake(Entity* entity, __u64 now) {
  if (entity->runnable) return;
  Queue& queue = *entity->queue;
  entity->runnable = 1;
  queue.runnable++;
  queue.load += ring1_sched_load(queue.policy, &entity->params);
  begin_wait(*entity, now);
  policy_of(queue).wake(queue, *entity, now);
}

void ring1_sched_sleep(Entity* entity, __u64 now) {
  if (!entity->runnable) return;
  Queue& queue = *entity->queue;
  if (queue.current_entity == entity)
    queue.current_entity = nullptr;
  else
    end_wait(*entity, now);
  entity->runnable = 0;
  queue.runnable--;
  queue.load -= ring1_sched_load(queue.policy, &entity->params);
  policy_of(queue).sleep(queue, *entity, now);
}

void ring1_sched_charge(Entity* entity, __u64 ns, __u64 now) {
  Queue& queue = *entity->queue;
  entity->statistics.run += ns;
  if (queue.current_entity == entity) {
    queue.used += ns;
    queue.ran += ns;
  }
  policy_of(queue).charge(queue, *entity, least(ns, kLongestCharge), now);
}

Choice ring1_sched_pick(Queue* queue, __u64 now) {
  const Choice choice = policy_of(*queue).pick(*queue, now);
  queue->used = 0;
  queue->granted = choice.slice;
  dispatch(*queue, choice.entity, now);
  return choice;
}

__u64 ring1_sched_remaining(Queue* queue, __u64 now) {
  if (queue->current_entity == nullptr) return 0;
  queue->granted = policy_of(*queue).remaining(*queue, now);
  return queue->granted;
}

void ring1_sched_adjust(Entity* entity, const Params* params, __u64 now) {
  Queue* queue = entity->queue;
  if (queue != nullptr && entity->runnable) queue->load -= ring1_sched_load(queue->policy, &entity->params);
  entity->params = *params;
  if (queue != nullptr && entity->runnable) queue->load += ring1_sched_load(queue->policy, &entity->params);
  if (queue != nullptr) policy_of(*queue).adjust(*queue, *entity, now);
}

void ring1_sched_migrate(Entity* entity, Queue* to, __u64 now) {
  Queue& from = *entity->queue;
  if (&from == to) return;
  const bool runnable = entity->runnable;
  ring1_sched_detach(entity, now);
  policy_of(*to).migrate(*entity, from, *to);
  ring1_sched_attach(to, entity, now);
  if (runnable) ring1_sched_wake(entity, now);
}

Entity* ring1_sched_candidate(Queue* queue, __u64 now, bool (*may)(Entity*, void*), void* context) {
  const Policy& policy = policy_of(*queue);
  Entity* best = nullptr;
  for_each_runnable(*queue, [&](Entity& entity) {
    if (&entity == queue->current_entity || !policy.may_run(entity, now) || !may(&entity, context)) return;
    if (best == nullptr || policy.precedes(entity, *best, now)) best = &entity;
  });
  return best;
}

}  // extern "C"
