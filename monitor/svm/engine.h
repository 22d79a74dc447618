// SPDX-License-Identifier: GPL-2.0-only
// The engine on AMD-V: VMRUN, executed in the monitor's own world, with nested paging or with the shadow page tables
// that binary translation uses. The world's state is the host state of VMRUN.
#pragma once

#include "hwaccel/svm/exit.h"
#include "hwaccel/svm/npt_format.h"
#include "hwaccel/svm/vmcb.h"
#include "monitor/hardware/engine.h"
#include "monitor/svm/entry.h"

namespace ring1::monitor {

class SvmEngine final : public HardwareEngine {
 public:
  explicit SvmEngine(Vcpu& vcpu);

  void to_architectural() override;
  void flush_page(Gva page) override;
  void flush_all() override { flush_wanted_ = true; }
  const char* live_name() const override { return live_ == Live::kState ? "state" : "VMCB"; }
  void dump() override;

 private:
  // RIP, RFLAGS, the general registers and CR2 are always in ring1_cpu_state when the guest does not run; the rest
  // is...
  enum class Live : uint8_t {
    kState,  // in ring1_cpu_state
    kVmcb,   // in the VMCB
  };

  // Engine (engine.cpp)
  uint64_t init() override;
  void run_guest() override;
  void apply_pending() override;
  void abandon() override { live_ = Live::kState, iret_ = {}; }
  using Engine::deliver;
  void deliver(const emulator::Event& event) override;
  bool take_event_along() override;
  bool pass_obstacle(bool for_nmi) override;
  void forget_nested(uint64_t gfn, uint64_t count) override;
  void log_dirty_nested(uint64_t gfn, uint64_t count) override;
  InstructionBytes known_instruction() const override;

  // Entering (run.cpp)
  void store_state();
  void store_control_registers();
  void prepare_controls();
  void prepare_paging();
  void prepare_breakpoints();
  void prepare_flush();
  void trace_entry();
  void take_exit();
  void switched_tasks();
  uint64_t shadow_cr3() const;
  bool hides_caching() const;
  bool hides_long_mode() const;
  void set_nested(bool on);

  // The end of an NMI's handler (nmi.cpp)
  void iret_exit();
  void arm_iret();
  void settle_iret();
  uint64_t without_our_step(uint64_t status);

  // Exits (exits.cpp)
  void handle_exit();
  void exception_exit(unsigned vector);
  void instruction_exit();
  void port_exit();
  void invlpg_exit();
  bool may_skip() const;
  void skip_to(uint64_t next);

  hwaccel::svm::Vmcb* vmcb_ = nullptr;
  uint64_t* pointers_ = nullptr;  // page-directory pointers of the shadow tables, below 4 GiB
  SvmEntry entry_{};
  NestedMemory<hwaccel::svm::NptFormat> npt_;
  uint64_t npt_root_ = 0;
  uint32_t features_ = 0;

  struct Iret {
    bool running = false;      // the processor executes it, TF set
    bool guest_steps = false;  // TF is the guest's own
    bool stepped = false;      // this exit is the one behind it
    uint64_t rip = 0;
  };
  Iret iret_;

  Live live_ = Live::kState;
  bool nested_ = false;
  bool pae_needs_shadows_ = false;  // this processor's nested paging cannot carry a PAE guest
  bool emulated_ = false;           // by QEMU, with its own ideas of some details
  bool flush_wanted_ = true;        // of this guest's translations, before the next entry
};

}  // namespace ring1::monitor
