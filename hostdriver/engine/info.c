// SPDX-License-Identifier: GPL-2.0-only
/* RING1_GET_ENGINE_INFO's answer, as an engine fills it. */
#include <linux/kernel.h>
#include <linux/string.h>

#include "hostdriver/engine/hardware.h"

void ring1_engine_unusable(struct ring1_engine_info *info, int status, const char *why, const char *remedy)
{
	info->status = status;
	strscpy(info->why, why, sizeof(info->why));
	strscpy(info->remedy, remedy, sizeof(info->remedy));
}

void ring1_engine_feature(struct ring1_engine_info *info, const char *name, const char *format, ...)
{
	struct ring1_engine_feature *feature;
	va_list arguments;

	if (info->feature_count == RING1_ENGINE_FEATURES)
		return;
	feature = &info->features[info->feature_count++];
	strscpy(feature->name, name, sizeof(feature->name));
	va_start(arguments, format);
	vsnprintf(feature->value, sizeof(feature->value), format, arguments);
	va_end(arguments);
}

void ring1_engine_yes_no(struct ring1_engine_info *info, const char *name, u64 bit)
{
	ring1_engine_feature(info, name, "%s", bit ? "yes" : "no");
}
