// SPDX-License-Identifier: GPL-2.0-only
// Which engine a monitor has.
#include <new>

#include "monitor/bt_engine.h"
#include "monitor/monitor.h"
#include "monitor/svm_engine.h"
#include "monitor/vmx_engine.h"

namespace ring1::monitor {

Engine* Monitor::make_engine() {
  static_assert(sizeof(BtEngine) <= kEngineBytes && alignof(BtEngine) <= 64);
  static_assert(sizeof(SvmEngine) <= kEngineBytes && alignof(SvmEngine) <= 64);
  static_assert(sizeof(VmxEngine) <= kEngineBytes && alignof(VmxEngine) <= 64);
  switch (shared.config.engine) {
    case RING1_ENGINE_SVM: return new (engine_storage_) SvmEngine(*this);
    case RING1_ENGINE_VMX: return new (engine_storage_) VmxEngine(*this);
    default: return new (engine_storage_) BtEngine(*this);
  }
}

}  // namespace ring1::monitor
