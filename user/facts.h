/* SPDX-License-Identifier: GPL-2.0-only */
/* Gathering what `doctor` judges. */
#ifndef XDPFW_USER_FACTS_H
#define XDPFW_USER_FACTS_H

#include "diagnosis.h"
#include "session.h"

/* What cannot be read is taken to be in order. */
void facts_gather(struct session *s, struct facts *f);

#endif
