// SPDX-License-Identifier: GPL-2.0-only
// How the guest runs next: translated, directly, or interpreted.
#include "base/assert.h"
#include "monitor/bt/engine.h"
#include "monitor/world/freestanding.h"
#include "monitor/world/hardware.h"
#include "monitor/vcpu/vcpu.h"
#include "x86/breakpoints.h"
#include "x86/registers.h"

namespace ring1::monitor {
namespace {

// Rights of the entries above the guest's own levels; what user code may do is decided further down.
constexpr uint64_t kDirectoryPointerFlags = 0x27;  // present, writable, user, accessed

// Where everything is mapped the hole lies below the usual places of devices' memory.
constexpr uint64_t kHoleFloor = 0x40000000, kHoleCeiling = 0xfe000000, kQuietCeiling = 0xe0000000;

// EFLAGS that the guest may have in the processor; the others are virtual.
constexpr uint64_t kRealTranslated = eflags::kArithmetic | eflags::kDf | eflags::kAc | eflags::kId;
constexpr uint64_t kRealDirect = kRealTranslated | eflags::kTf | eflags::kNt | eflags::kRf;

}  // namespace

translator::Mode BtEngine::mode() const {
  return {.cs_base = static_cast<uint32_t>(cpu_.seg[kCs].base),
          .code32 = (cpu_.seg[kCs].access & RING1_AR_DB) != 0,
          .stack32 = (cpu_.seg[kSs].access & RING1_AR_DB) != 0,
          .cpl = 0,
          .plain_flags = !(cpu_.rflags & (eflags::kIopl | eflags::kNt)),
          .plain_segments = plain_segments_};
}

void BtEngine::block_from_state(uint32_t eip) {
  block_.rax = cpu_.gpr[kRax];
  block_.rcx = cpu_.gpr[kRcx];
  block_.rdx = cpu_.gpr[kRdx];
  block_.rbx = cpu_.gpr[kRbx];
  block_.rsp = static_cast<uint32_t>(cpu_.gpr[kRsp]);
  block_.rbp = cpu_.gpr[kRbp];
  block_.rsi = cpu_.gpr[kRsi];
  block_.rdi = cpu_.gpr[kRdi];
  block_.rip = eip;
}

// From ring1_cpu_state into the processor. False: something else happened, look again.
bool BtEngine::prepare() {
  const bool protected_mode = (cpu_.cr0 & cr0::kPe) && !(cpu_.rflags & eflags::kVm);
  const unsigned cpl = (cpu_.seg[kSs].access & RING1_AR_DPL_MASK) >> RING1_AR_DPL_SHIFT;
  const bool stack_usable = (cpu_.seg[kSs].access & RING1_AR_P) && !(cpu_.seg[kSs].access & RING1_AR_UNUSABLE);
  if (protected_mode && cpl == 3 && stack_usable && (cpu_.rflags & eflags::kIopl) != eflags::kIopl) {
    enter_direct();
    return true;
  }
  if (breakpoint::any(cpu_) && meet_code_breakpoint()) [[unlikely]]
    return false;
  if (protected_mode && cpl == 3 && stack_usable) return interpret_user();
  // IRET to a 16-bit stack restores SP only (SDM 2A IRET); ESP's upper half would become the monitor's.
  const bool wide_stack = stack_usable && (cpu_.seg[kSs].access & RING1_AR_DB);
  if (protected_mode && cpl == 0 && wide_stack && !(cpu_.rflags & eflags::kTf)) {
    if (!cpu_.shadow) return enter_translated();
    step_over_shadow();
    return false;
  }
  // Real mode, virtual-8086 mode, rings 1 and 2, 16-bit stacks and single steps of the kernel.
  emulate_one(nullptr);
  return false;
}

void BtEngine::enter_direct(Loaded loaded) {
  block_from_state(static_cast<uint32_t>(cpu_.rip));
  block_.rflags = (cpu_.rflags & kRealDirect) | eflags::kFixed1 | eflags::kIf;
  if (loaded == Loaded::kInProcessor)
    segments_.keep(block_, 3);
  else
    segments_.load(block_, 3);
  live_ = Live::kDirect;
}

bool BtEngine::enter_translated(Loaded loaded) {
  const uint32_t eip = static_cast<uint32_t>(cpu_.rip);
  uint32_t at = 0;
  unsigned offset;
  if (loaded == Loaded::kInProcessor) {
    segments_.keep(block_, 1);
    plain_segments_ = true;
  } else {
    plain_segments_ = segments_.load(block_, 1);
  }
  tcache::Fragment* fragment = resume_.generation == cache_.generation() ? resume_.fragment : nullptr;
  const translator::Mode now = mode();
  cache_.activate(now);
  if (fragment && fragment->mode == now && eip - fragment->eip < fragment->guest_size &&
      tcache::boundary_offset(*fragment, eip - fragment->eip, &offset)) {
    at = cache_.exec_address(fragment->position(offset));
  } else {
    fragment = fragment_at(eip);
    if (!fragment) return false;
    at = cache_.exec_address(fragment->position(fragment->body));
  }
  resume_.fragment = nullptr;
  block_from_state(at);
  block_.rflags = (cpu_.rflags & kRealTranslated) | eflags::kFixed1 | eflags::kIf;
  translator::SharedPage& page = tc_memory_.shared();
  page.interrupt_flag = cpu_.rflags & eflags::kIf ? 1 : 0;
  page.pending = interrupt_wanted_;
  page.virtual_cs = cpu_.seg[kCs].selector;
  page.virtual_ss = cpu_.seg[kSs].selector;
  page.virtual_gs = cpu_.seg[kGs].selector;
  live_ = Live::kTranslated;
  return true;
}

tcache::Fragment* BtEngine::fragment_at(uint32_t eip) {
  const translator::Mode now = mode();
  if (tcache::Fragment* fragment = cache_.lookup(eip, now)) return fragment;
  if (on_code_breakpoint(eip)) return nullptr;  // prepare() takes care of it
  return translate(eip, now);
}

bool BtEngine::walk(Gva page, tcache::MappedPage* out) {
  vcpu_.host.work(kWalkWork);
  const paging::Walk walk = mmu_.peek(page);
  out->gva = page;
  out->gpa = walk.gpa.page();
  out->entry_count = walk.entry_count;
  for (unsigned i = 0; i < walk.entry_count; i++) out->entries[i] = {walk.entries[i].where, walk.entries[i].value};
  // Two levels of tables: one entry if a large page, or if the walk stopped at the directory.
  out->upper_count = walk.entry_count ? 1 : 0;
  if (!walk.ok || walk.no_execute) return false;
  for (unsigned i = 0; i < walk.entry_count; i++) mmu_.depend(walk.entries[i].where);
  return true;
}

// Copies guest code at eip into guest_code_ and notes where it came from. need_next: the guest fetches from the second page too.
// False: a fault was delivered, or the VM has ended.
bool BtEngine::gather(uint32_t eip, tcache::MappedPage pages[2], unsigned* available, bool need_next) {
  const uint32_t linear = static_cast<uint32_t>(cpu_.seg[kCs].base) + eip;
  const uint32_t limit = cpu_.seg[kCs].limit;
  if (eip > limit) {
    deliver(emulator::Fault{Vector::kGp, 0, 0});
    return false;
  }
  unsigned wanted = translator::kMaxGuestBytes;
  if (limit - eip < wanted - 1) wanted = limit - eip + 1;
  *available = 0;
  for (unsigned i = 0; i < 2 && *available < wanted; i++) {
    const Gva at = Gva(static_cast<uint32_t>(linear + *available));
    // The first page is fetched from as the guest would; the second is only looked at.
    if (i == 0 || need_next) {
      const paging::Walk walk = mmu_.translate(at, {.write = false, .user = false, .fetch = true});
      if (!walk.ok) {
        deliver(walk.fault);
        return false;
      }
    }
    if (!walk(at.page(), &pages[i])) break;
    Hpa hpa;
    paging::GuestPointer va;
    const paging::Backing backing = vcpu_.memory.page(pages[i].gpa, &hpa, &va);
    if (!paging::has_memory(backing)) break;
    const unsigned room = static_cast<unsigned>(kPageSize - at.offset());
    const unsigned now = room < wanted - *available ? room : wanted - *available;
    memcpy(guest_code_ + *available, va.in(vcpu_.memory) + at.offset(), now);
    *available += now;
  }
  if (*available) return true;
  internal_error(KVM_INTERNAL_ERROR_EMULATION, "the guest runs code where there is no memory");
  return false;
}

// Debugging: is there a way back to the guest's state from every position of the unit just translated?
void BtEngine::check_map() const {
  const translator::Translation& unit = translation_;
  unsigned boundaries = 0;
  RING1_ASSERT(unit.map_count && unit.map[0].code_offset == 0);
  for (unsigned i = 0; i < unit.map_count; i++) {
    const translator::MapEntry& entry = unit.map[i];
    RING1_ASSERT(entry.code_offset < unit.code_size);
    RING1_ASSERT(!i || entry.code_offset > unit.map[i - 1].code_offset);
    if (entry.eip == translator::MapEntry::Eip::kExitTarget) RING1_ASSERT(entry.guest_offset < unit.exit_count);
    if (entry.eip == translator::MapEntry::Eip::kOffset) RING1_ASSERT(entry.guest_offset <= unit.guest_size);
    boundaries += entry.boundary;
  }
  RING1_ASSERT(boundaries == unit.instructions);
}

tcache::Fragment* BtEngine::translate(uint32_t eip, const translator::Mode& mode) {
  vcpu_.host.work(kTranslationWork);
  tcache::MappedPage pages[2];
  unsigned available = 0;
  if (!gather(eip, pages, &available, false)) return nullptr;
  // The page may be one that another address space had suspended.
  cache_.note_mapping(pages[0]);
  if (tcache::Fragment* fragment = cache_.lookup(eip, mode)) return fragment;
  translation_.code = code_buffer_;
  translator::Source source = {.eip = eip, .bytes = guest_code_, .available = available};
  translator::Outcome outcome;
  if (breakpoint::any(cpu_)) [[unlikely]]
    source.available = breakpoint::room_before_code(cpu_, linear_of(eip), available);
  outcome = translator::translate(source, mode, &translation_);
  if (outcome == translator::Outcome::kNeedMoreBytes && source.available < available) {
    // The address of a breakpoint lies inside the first instruction.
    source.available = available;
    source.max_instructions = 1;
    outcome = translator::translate(source, mode, &translation_);
  }
  if (outcome == translator::Outcome::kNeedMoreBytes) {
    // The first instruction goes on where nothing is mapped, or beyond the limit of CS.
    if (!gather(eip, pages, &available, true)) return nullptr;
    source.available = available;
    if (translator::translate(source, mode, &translation_) == translator::Outcome::kNeedMoreBytes) {
      deliver(emulator::Fault{Vector::kGp, 0, 0});
      return nullptr;
    }
  }
  if (shared_.config.check_recovery) check_map();
  const uint32_t linear = mode.cs_base + eip;
  const bool two = (linear & ~kPageMask) + translation_.guest_size > kPageSize;
  tcache::Fragment* fragment = cache_.insert(eip, mode, translation_, pages, two ? 2 : 1);
  if (!fragment) internal_error(KVM_INTERNAL_ERROR_EMULATION, "no memory for the translation cache");
  return fragment;
}

void BtEngine::set_paging() {
  installed_.generation = mmu_.generation();
  auto* pointers = reinterpret_cast<uint64_t*>(vcpu_.host.switch_page().low_table);
  const Hpa* directories = mmu_.page_directories();
  for (unsigned i = 0; i < 4; i++) pointers[i] = directories[i].raw() | kDirectoryPointerFlags;
  hardware::write_cr3(hardware::read_cr3());
  installed_.flush_wanted = false;
  mmu_.tlb_flushed();
}

// Finds a free place for the hole and moves it there. If there is none it hides where no RAM is mapped; if there is
// no such place either it stays where it is. The cache moves along.
void BtEngine::choose_hole() {
  using paging::Cover;
  const uint64_t bytes = tc_memory_.hole_bytes();
  shadowmmu::ShadowMmu& mmu = mmu_;
  Gva base;
  const bool is_free = mmu.find_hole(bytes, Gva(kHoleFloor), Gva(kHoleCeiling), Cover::kFree, &base);
  if (!is_free) {
    if (hole_base_) shared_.stats.hole_collisions++;
    const bool stay = hole_base_ && mmu.hole_cover() != Cover::kUsed;
    if (stay || !mmu.find_hole(bytes, Gva(kHoleFloor), Gva(kQuietCeiling), Cover::kNoRam, &base))
      base = Gva(hole_base_ ? hole_base_ : kQuietCeiling - bytes);
  }
  if (base.raw() != hole_base_) move_hole(static_cast<uint32_t>(base.raw()));
  if (!is_free) mmu.accept_hole();
}

void BtEngine::move_hole(uint32_t base) {
  if (hole_base_) shared_.stats.hole_moves++;
  hole_base_ = base;
  shadowmmu::HoleTable tables[shadowmmu::Hole::kMaxTables];
  const unsigned count = tc_memory_.table_count();
  for (unsigned i = 0; i < count; i++) tables[i] = {.table = tc_memory_.tables()[i]};
  const bool placed = mmu_.set_hole(Gva(base), tables, count);
  RING1_ASSERT(placed);
  view_.set_hole(base, tc_memory_.hole_bytes());
  cache_.rebase(TcMemory::code_base(hole_base_));
  segments_.set_shared_segment(TcMemory::shared_base(hole_base_), translator::kGsSegmentBytes);
  vcpu_.log.line("hole at %x", hole_base_);
}

}  // namespace ring1::monitor
