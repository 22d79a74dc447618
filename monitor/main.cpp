// SPDX-License-Identifier: GPL-2.0-only
// The first C++ of the world: everything that one vCPU needs, on the world's stack for as long as the world lives.
#include <new>

#include "monitor/bt/engine.h"
#include "monitor/svm/engine.h"
#include "monitor/vcpu/vcpu.h"
#include "monitor/vmx/engine.h"

namespace ring1::monitor {
namespace {

// One of these, as the configuration says: there is no heap.
union EngineMemory {
  EngineMemory() {}
  ~EngineMemory() {}
  BtEngine bt;
  SvmEngine svm;
  VmxEngine vmx;
};

Engine& make_engine(Vcpu& vcpu, void* memory) {
  auto& room = *static_cast<EngineMemory*>(memory);
  switch (vcpu.shared.config.engine) {
    case RING1_ENGINE_SVM: return *new (&room.svm) SvmEngine(vcpu);
    case RING1_ENGINE_VMX: return *new (&room.vmx) VmxEngine(vcpu);
    default: return *new (&room.bt) BtEngine(vcpu);
  }
}

}  // namespace
}  // namespace ring1::monitor

extern "C" [[noreturn]] void ring1_monitor_main(ring1_switch* page) {
  using namespace ring1::monitor;
  World world(*page);
  Board board(world);
  EngineMemory memory;
  Vcpu vcpu(world, board, make_engine, &memory);
  vcpu.run();
}
