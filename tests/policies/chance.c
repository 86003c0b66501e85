// SPDX-License-Identifier: GPL-2.0-only
#include "chance.h"

/* SplitMix64: every seed is as good as any other, so neighbouring policies are strangers. */
unsigned int below(struct chance *chance, unsigned int bound)
{
	__u64 mix = chance->state += 0x9e3779b97f4a7c15ULL;

	mix = (mix ^ mix >> 30) * 0xbf58476d1ce4e5b9ULL;
	mix = (mix ^ mix >> 27) * 0x94d049bb133111ebULL;
	return (mix ^ mix >> 31) % bound;
}
