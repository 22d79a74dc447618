// SPDX-License-Identifier: GPL-2.0-only
// The engine on VT-x: the guest runs in VMX non-root operation, with extended page tables or, on processors without
// them, with the shadow page tables that binary translation uses. Exits that need no state are answered in the VMCS;
// all others bring the registers into ring1_cpu_state, where the emulator works.
#pragma once

#include "hwaccel/vmx/capability.h"
#include "hwaccel/vmx/ept_format.h"
#include "hwaccel/vmx/exit.h"
#include "hwaccel/vmx/invalidation.h"
#include "monitor/hardware/engine.h"
#include "monitor/vmx/vmcs.h"

namespace ring1::monitor {

class VmxEngine final : public HardwareEngine {
 public:
  explicit VmxEngine(Vcpu& vcpu);

  void to_architectural() override;
  void flush_page(Gva page) override;
  void flush_all() override { flush_linear_ = true; }
  const char* live_name() const override { return live_ == Live::kState ? "state" : "VMCS"; }
  void dump() override;

 private:
  using Field = hwaccel::vmx::Field;
  using ExitReason = hwaccel::vmx::ExitReason;
  using EventInfo = hwaccel::vmx::EventInfo;

  enum class Live : uint8_t {
    kState,  // the guest's registers are in ring1_cpu_state
    kVmcs,   // all but the general registers are in the VMCS
  };

  // Engine (engine.cpp)
  uint64_t init() override;
  void run_guest() override;
  void apply_pending() override;
  void abandon() override { live_ = Live::kState; }
  bool interrupt_flag() const override;
  using Engine::deliver;
  void deliver(const emulator::Event& event) override;
  bool take_event_along() override;
  bool pass_obstacle(bool for_nmi) override;
  void forget_nested(uint64_t gfn, uint64_t count) override;
  void log_dirty_nested(uint64_t gfn, uint64_t count) override;

  // Set-up (setup.cpp)
  void write_controls();
  bool make_msr_bitmap();
  bool make_identity_map();

  // State (state.cpp)
  bool enterable() const;
  void load_state();
  void load_paging();
  void load_pointers();
  void load_segment(unsigned index, const ring1_segment& segment);
  void save_segment(unsigned index, ring1_segment* segment);
  bool unpaged_on_identity() const;  // EPT, but the processor insists on paging
  uint64_t real_cr0() const;
  uint64_t real_cr4() const;
  uint64_t cr0_mask() const;
  uint64_t cr4_mask() const;

  // Running (run.cpp)
  void enter();
  void write_event();
  void write_dynamic_controls();
  void flush_before_entry(bool moved);
  void take_vectoring();
  void install_shadow_directories();

  // Exits (exits.cpp)
  void handle_exit(uint32_t reason);
  void exception_exit();
  void debug_exit();
  void task_switch_exit();
  void cpuid_exit();
  void invlpg_exit();
  void skip_instruction();
  void undefined_instruction();
  void block_nmis_again(bool unblocked_by_iret);
  void nested_fault();
  void device_fault();

  Vmcs vmcs_;
  hwaccel::vmx::Controls controls_;
  uint64_t ept_vpid_ = 0;
  uint16_t vpid_ = 0;
  NestedMemory<hwaccel::vmx::EptFormat> ept_;
  Hpa msr_bitmap_;

  Live live_ = Live::kState;
  uint64_t tsc_offset_ = 0;     // as the VMCS has it
  bool window_wanted_ = false;  // come back at the next boundary where an interrupt is possible
  bool nmi_window_wanted_ = false;
  bool flush_linear_ = true, flush_nested_ = true;
  uint32_t processor_controls_ = 0, entry_controls_ = 0;  // as in the VMCS
  bool pointers_changed_ = true;                          // PAE's page-directory pointers must be loaded from memory
  uint32_t last_reason_ = 0;
  ring1_segment loaded_tr_ = {};
};

}  // namespace ring1::monitor
