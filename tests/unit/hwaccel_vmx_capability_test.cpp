// SPDX-License-Identifier: GPL-2.0-only
// Control computation for processors of several generations.
#include <gtest/gtest.h>

#include <map>

#include "hwaccel/vmx/capability.h"
#include "hwaccel/vmx/control.h"
#include "hwaccel/vmx/invalidation.h"
#include "x86/registers.h"

namespace ring1::hwaccel::vmx {
namespace {

constexpr uint64_t kCr0Fixed0 = 0x80000021, kCr0Fixed1 = 0xffffffff, kCr4Fixed0 = 0x2000;

struct Model {
  const char* name;
  CapabilityMsrs msrs;
  bool ept, vpid, unrestricted, virtual_nmis, efer, dirty;
};

constexpr CapabilityMsrs make(uint64_t basic, uint64_t pin, uint64_t processor, uint64_t exit, uint64_t entry,
                              uint64_t cr4_fixed1, uint64_t secondary, uint64_t ept_vpid) {
  return {.basic = basic,
          .pin = pin,
          .processor = processor,
          .exit = exit,
          .entry = entry,
          .misc = 0x5,
          .cr0_fixed0 = kCr0Fixed0,
          .cr0_fixed1 = kCr0Fixed1,
          .cr4_fixed0 = kCr4Fixed0,
          .cr4_fixed1 = cr4_fixed1,
          .secondary = secondary,
          .ept_vpid = ept_vpid};
}

// Values as such processors report them; those of Nehalem and later are the TRUE registers'.
const Model kModels[] = {
    {"Core 2, Merom",
     make(0x001a040000000007, 0x0000001f00000016, 0x77f9fffe0401e172, 0x0003efff00036dff, 0x00001fff000011ff,
          0x000027ff, 0, 0),
     false, false, false, false, false, false},
    {"Core 2, Penryn",
     make(0x005a08000000000d, 0x0000003f00000016, 0xf7f9fffe0401e172, 0x0003ffff00036dff, 0x00003fff000011ff,
          0x000427ff, 0x0000004100000000, 0),
     false, false, false, true, false, false},
    {"Core i7, Nehalem",
     make(0x00da040000000010, 0x0000007f00000016, 0xfff9fffe04006172, 0x007fffff00036dfb, 0x0000ffff000011fb,
          0x000027ff, 0x0000007b00000000, 0x00000f0106114141),
     true, true, false, true, true, false},
    {"Core i7, Sandy Bridge",
     make(0x00da040000000010, 0x0000007f00000016, 0xfff9fffe04006172, 0x007fffff00036dfb, 0x0000ffff000011fb,
          0x000627ff, 0x000000ff00000000, 0x00000f0106114141),
     true, true, true, true, true, false},
    {"Core i7, Haswell",
     make(0x00da040000000012, 0x0000007f00000016, 0xfff9fffe04006172, 0x007fffff00036dfb, 0x0000ffff000011fb,
          0x001767ff, 0x00007cff00000000, 0x00000f0106334141),
     true, true, true, true, true, true},
    {"Core i7, Skylake",
     make(0x00da040000000004, 0x0000007f00000016, 0xfff9fffe04006172, 0x01ffffff00036dfb, 0x0003ffff000011fb,
          0x003767ff, 0x005fbcff00000000, 0x00000f0106734141),
     true, true, true, true, true, true},
};

void expect_within(const char* what, uint32_t value, uint64_t msr, const char* model) {
  const ControlRange range(msr);
  EXPECT_EQ(value & range.must, range.must) << what << " of " << model;
  EXPECT_EQ(value & ~range.may, 0u) << what << " of " << model;
}

TEST(VmxCapability, EveryModelGetsControlsItAllows) {
  for (const Model& model : kModels) {
    for (unsigned wishes = 0; wishes < 16; ++wishes) {
      const Wish wish{.ept = (wishes & 1) != 0,
                      .vpid = (wishes & 2) != 0,
                      .unrestricted_guest = (wishes & 4) != 0,
                      .tpr_shadow = (wishes & 8) != 0};
      const Controls c = choose_controls(model.msrs, wish);
      EXPECT_EQ(c.lack, Lack::kNone) << model.name << ": " << describe(c.lack);
      expect_within("pin", c.pin, model.msrs.pin, model.name);
      expect_within("processor", c.processor, model.msrs.processor, model.name);
      expect_within("secondary", c.secondary, model.msrs.secondary, model.name);
      expect_within("exit", c.exit, model.msrs.exit, model.name);
      expect_within("entry", c.entry, model.msrs.entry, model.name);
      EXPECT_EQ(c.ept, model.ept && wish.ept) << model.name;
      EXPECT_EQ(c.unrestricted_guest, model.unrestricted && wish.ept && wish.unrestricted_guest) << model.name;
      EXPECT_EQ(c.secondary != 0, (c.processor & processor::kSecondary) != 0) << model.name;
    }
  }
}

TEST(VmxCapability, FeaturesOfEachGeneration) {
  for (const Model& model : kModels) {
    const Controls c = choose_controls(model.msrs, {});
    EXPECT_EQ(c.ept, model.ept) << model.name;
    EXPECT_EQ(c.vpid, model.vpid) << model.name;
    EXPECT_EQ(c.unrestricted_guest, model.unrestricted) << model.name;
    EXPECT_EQ(c.virtual_nmis, model.virtual_nmis) << model.name;
    EXPECT_EQ(c.efer, model.efer) << model.name;
    EXPECT_EQ(c.ept_dirty, model.dirty) << model.name;
    EXPECT_TRUE(c.msr_bitmaps) << model.name;
    EXPECT_EQ(c.ept_pointer_bits, model.ept ? (model.dirty ? 0x5eu : 0x1eu) : 0u) << model.name;
  }
}

TEST(VmxCapability, PhysicalInterruptsExitWithoutBeingAcknowledged) {
  for (const Model& model : kModels) {
    const Controls c = choose_controls(model.msrs, {});
    EXPECT_TRUE(c.pin & pin::kExternalInterrupt) << model.name;
    EXPECT_TRUE(c.pin & pin::kNmi) << model.name;
    EXPECT_FALSE(c.exit & exit_control::kAcknowledge) << model.name;
    EXPECT_TRUE(c.exit & exit_control::kHost64) << model.name;
  }
}

TEST(VmxCapability, PagingExitsOnlyWithoutEpt) {
  constexpr uint32_t kPaging = processor::kCr3Load | processor::kCr3Store | processor::kInvlpg;
  for (const Model& model : kModels) {
    EXPECT_EQ(choose_controls(model.msrs, {.ept = false}).processor & kPaging, kPaging) << model.name;
    if (model.ept) { EXPECT_EQ(choose_controls(model.msrs, {}).processor & kPaging, 0u) << model.name; }
  }
}

TEST(VmxCapability, OnlyUnrestrictedGuestsMayLeaveProtectionAndPaging) {
  for (const Model& model : kModels) {
    const Controls c = choose_controls(model.msrs, {});
    EXPECT_EQ(c.cr0_must, model.unrestricted ? cr0::kNe : cr0::kNe | cr0::kPe | cr0::kPg) << model.name;
  }
}

TEST(VmxCapability, SaysWhatIsMissing) {
  const CapabilityMsrs good = kModels[3].msrs;
  CapabilityMsrs msrs = good;
  msrs.basic &= ~(uint64_t{0xf} << 50);
  EXPECT_EQ(choose_controls(msrs, {}).lack, Lack::kMemoryType);
  msrs = good;
  msrs.pin &= ~(uint64_t{pin::kNmi} << 32);
  EXPECT_EQ(choose_controls(msrs, {}).lack, Lack::kInterruptExiting);
  msrs = good;
  msrs.processor &= ~(uint64_t{processor::kHlt} << 32);
  EXPECT_EQ(choose_controls(msrs, {}).lack, Lack::kInstructionExiting);
  msrs = good;
  msrs.exit &= ~(uint64_t{exit_control::kHost64} << 32);
  EXPECT_EQ(choose_controls(msrs, {}).lack, Lack::kHost64);
  msrs = good;
  msrs.processor &= ~(uint64_t{processor::kInvlpg} << 32);
  EXPECT_EQ(choose_controls(msrs, {.ept = false}).lack, Lack::kPagingControls);
  EXPECT_EQ(choose_controls(msrs, {}).lack, Lack::kNone) << "with EPT nobody needs exits on INVLPG";
  msrs = good;
  msrs.ept_vpid &= ~(uint64_t{1} << 20);
  EXPECT_FALSE(choose_controls(msrs, {}).ept) << "EPT without INVEPT cannot be kept right";
}

TEST(VmxCapability, ReadsOnlyRegistersThatExist) {
  // Merom: no TRUE registers, no secondary controls; reading one would be #GP.
  std::map<uint32_t, uint64_t> registers = {{0x480, 0x001a040000000007}, {0x481, 0x1f00000016},
                                            {0x482, 0x77f9fffe0401e172}, {0x483, 0x0003efff00036dff},
                                            {0x484, 0x00001fff000011ff}, {0x485, 5},
                                            {0x486, kCr0Fixed0},         {0x487, kCr0Fixed1},
                                            {0x488, kCr4Fixed0},         {0x489, 0x27ff}};
  const auto read = [&](uint32_t number) {
    EXPECT_TRUE(registers.count(number)) << std::hex << number;
    return registers[number];
  };
  EXPECT_EQ(read_capabilities(read).processor, 0x77f9fffe0401e172u);
  EXPECT_EQ(read_capabilities(read).secondary, 0u);
  // Sandy Bridge.
  registers[0x480] = 0x00da040000000010;
  registers[0x48b] = 0x000000ff00000000;
  registers[0x48c] = 0x00000f0106114141;
  registers[0x48d] = 0x7f00000016;
  registers[0x48e] = 0xfff9fffe04006172;
  registers[0x48f] = 0x007fffff00036dfb;
  registers[0x490] = 0x0000ffff000011fb;
  const CapabilityMsrs msrs = read_capabilities(read);
  EXPECT_EQ(msrs.processor, 0xfff9fffe04006172u);
  EXPECT_EQ(msrs.ept_vpid, 0x00000f0106114141u);
  EXPECT_EQ(revision_of(msrs), 0x10u);
}

TEST(VmxInvalidation, AsNarrowAsTheProcessorOffers) {
  constexpr uint64_t kAll = 0x00000f0106114141;
  EXPECT_EQ(invept_scope(kAll), InveptScope::kContext);
  EXPECT_EQ(invept_scope(kAll & ~ept_capability::kInveptContext), InveptScope::kAll);
  EXPECT_EQ(invept_scope(0), InveptScope::kNone);
  EXPECT_EQ(invvpid_scope(kAll, true), InvvpidScope::kAddress);
  EXPECT_EQ(invvpid_scope(kAll, false), InvvpidScope::kContext);
  EXPECT_EQ(invvpid_scope(kAll & ~ept_capability::kInvvpidAddress, true), InvvpidScope::kContext);
  EXPECT_EQ(invvpid_scope(ept_capability::kInvvpid | ept_capability::kInvvpidAll, true), InvvpidScope::kAll);
  EXPECT_EQ(invvpid_scope(0, true), InvvpidScope::kNone);
}

}  // namespace
}  // namespace ring1::hwaccel::vmx
