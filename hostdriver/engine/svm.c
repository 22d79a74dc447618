// SPDX-License-Identifier: GPL-2.0-only
/* AMD-V as the module sees it: what the processor offers, EFER.SVME, and address-space identifiers. */
#include <linux/idr.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <asm/msr.h>
#include <asm/processor.h>

#include "hostdriver/engine/hardware.h"
#include "include/ring1/switch.h"
#include "include/ring1/vcpu_shared.h"

#define LEAF_EXTENDED 0x80000001
#define LEAF_SVM 0x8000000a
#define FEATURE_SVM BIT(2) /* 0x80000001 ECX */
#define SVM_NPT BIT(0)	   /* 0x8000000a EDX, APM 3 E.4.9 */
#define SVM_NRIPS BIT(3)
#define SVM_CLEAN BIT(5)
#define SVM_FLUSH_ASID BIT(6)
#define SVM_DECODE_ASSISTS BIT(7)
#define VM_CR_SVMDIS BIT(4) /* APM 2 15.4 */
#define VM_CR_LOCK BIT(3)

/* Where the processor keeps the host's state during VMRUN (APM 2 15.30.4). */
static DEFINE_PER_CPU(struct page *, save_area);

static DEFINE_IDA(asids);

static bool present(void)
{
	return cpuid_eax(0x80000000) >= LEAF_SVM && (cpuid_ecx(LEAF_EXTENDED) & FEATURE_SVM);
}

static bool has_nested_paging(void)
{
	return cpuid_edx(LEAF_SVM) & SVM_NPT;
}

static const char *yes_no(u32 bit)
{
	return bit ? "yes" : "no";
}

static void describe(struct ring1_engine_info *info)
{
	u32 eax, ebx, ecx, edx;
	u64 control;

	if (!present()) {
		ring1_engine_unusable(info, -ENODEV, "the processor has no AMD-V",
				      boot_cpu_data.x86_vendor == X86_VENDOR_AMD ?
				      "in a virtual machine: ask for nested virtualisation" : "");
		return;
	}
	cpuid(LEAF_SVM, &eax, &ebx, &ecx, &edx);
	ring1_engine_feature(info, "revision", "%u", eax & 0xff);
	ring1_engine_feature(info, "address-space identifiers", "%u", ebx);
	ring1_engine_yes_no(info, "nested paging", edx & SVM_NPT);
	ring1_engine_yes_no(info, "next RIP saved", edx & SVM_NRIPS);
	ring1_engine_yes_no(info, "decode assists", edx & SVM_DECODE_ASSISTS);
	ring1_engine_yes_no(info, "flush by ASID", edx & SVM_FLUSH_ASID);
	ring1_engine_yes_no(info, "VMCB clean bits", edx & SVM_CLEAN);
	if (rdmsrl_safe(MSR_VM_CR, &control)) {
		ring1_engine_unusable(info, -ENODEV, "VM_CR cannot be read", "");
		return;
	}
	ring1_engine_feature(info, "disabled by VM_CR", "%s%s", yes_no(control & VM_CR_SVMDIS),
			     control & VM_CR_LOCK ? ", locked" : "");
	if (control & VM_CR_SVMDIS)
		ring1_engine_unusable(info, -EOPNOTSUPP, "AMD-V is disabled by the firmware",
				      "enable SVM (AMD-V) in the firmware's set-up");
	else if (ebx < 2)
		ring1_engine_unusable(info, -ENODEV, "there is no address-space identifier for a guest", "");
}

static bool held(struct ring1_engine_info *info)
{
	u64 efer;

	rdmsrl(MSR_EFER, efer);
	if (!present() || !(efer & EFER_SVME))
		return false;
	if (info)
		ring1_engine_unusable(info, -EBUSY, "another hypervisor (kvm-amd?) holds AMD-V",
				      "end its guests; --engine bt works beside them");
	return true;
}

static void discard(void)
{
	ring1_processor_pages_put(&save_area);
	ida_destroy(&asids);
}

static int prepare(void)
{
	return ring1_processor_pages_get(&save_area);
}

static int enable(void)
{
	u64 efer;

	rdmsrl(MSR_EFER, efer);
	if (efer & EFER_SVME)
		return -EBUSY;
	wrmsrl(MSR_EFER, efer | EFER_SVME);
	wrmsrl(MSR_VM_HSAVE_PA, page_to_phys(this_cpu_read(save_area)));
	return 0;
}

static void disable(void)
{
	u64 efer;

	wrmsrl(MSR_VM_HSAVE_PA, 0);
	rdmsrl(MSR_EFER, efer);
	wrmsrl(MSR_EFER, efer & ~(u64)EFER_SVME);
}

/* 0 is the host's. When they run out the last one serves all further vCPUs, which flush it at each visit. */
static void attach(struct ring1_engine_world *world)
{
	struct ring1_config *config = &world->shared->config;
	u32 last = cpuid_ebx(LEAF_SVM) - 1;
	int id = last > 1 ? ida_alloc_range(&asids, 1, last - 1, GFP_KERNEL) : -ENOSPC;

	config->asid_shared = id < 0;
	config->asid = id < 0 ? last : id;
	world->sw->mon_efer |= EFER_SVME;
}

static void detach(struct ring1_engine_world *world)
{
	const struct ring1_config *config = &world->shared->config;

	if (!config->asid_shared)
		ida_free(&asids, config->asid);
}

const struct ring1_hardware ring1_svm = {
	.name = "svm",
	.describe = describe,
	.prepare = prepare,
	.discard = discard,
	.enable = enable,
	.disable = disable,
	.held = held,
	.has_nested_paging = has_nested_paging,
	.attach = attach,
	.detach = detach,
};
