// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "offloads.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "util.h"

static bool ask(int fd, const char *interface, void *command)
{
	struct ifreq request = {.ifr_data = command};

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
	return ioctl(fd, SIOCETHTOOL, &request) == 0;
}

static unsigned int count_features(int fd, const char *interface)
{
	struct {
		struct ethtool_sset_info info;
		__u32 count;
	} set = {.info = {.cmd = ETHTOOL_GSSET_INFO, .sset_mask = 1ULL << ETH_SS_FEATURES}};

	return ask(fd, interface, &set) && set.info.sset_mask ? set.count : 0;
}

/* The bits of features have no numbers that last: each kernel names its own. */
static bool read_features(int fd, const char *interface, struct offloads *o)
{
	unsigned int count = count_features(fd, interface), blocks = (count + 31) / 32;
	_free_ struct ethtool_gstrings *names = calloc(1, sizeof(*names) + (size_t)count * ETH_GSTRING_LEN);
	_free_ struct ethtool_gfeatures *features =
		calloc(1, sizeof(*features) + blocks * sizeof(struct ethtool_get_features_block));

	if (!count || !names || !features)
		return false;
	*names = (struct ethtool_gstrings){.cmd = ETHTOOL_GSTRINGS, .string_set = ETH_SS_FEATURES, .len = count};
	*features = (struct ethtool_gfeatures){.cmd = ETHTOOL_GFEATURES, .size = blocks};
	if (!ask(fd, interface, names) || !ask(fd, interface, features))
		return false;
	for (unsigned int i = 0; i < count; i++) {
		const char *name = (const char *)names->data + (size_t)i * ETH_GSTRING_LEN;
		bool active = features->features[i / 32].active & 1U << i % 32;

		if (active && strncmp(name, "rx-lro", ETH_GSTRING_LEN) == 0)
			o->lro = true;
		if (active && strncmp(name, "rx-gro-hw", ETH_GSTRING_LEN) == 0)
			o->gro_hw = true;
	}
	return true;
}

void offloads_read(const char *interface, struct offloads *offloads)
{
	struct ethtool_channels channels = {.cmd = ETHTOOL_GCHANNELS};
	_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	*offloads = (struct offloads){};
	if (fd < 0)
		return;
	read_features(fd, interface, offloads);
	if (ask(fd, interface, &channels)) {
		offloads->queues = channels.combined_count + channels.rx_count;
		offloads->most_queues = channels.max_combined ? channels.max_combined : channels.max_rx;
	}
}
