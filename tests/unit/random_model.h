/* SPDX-License-Identifier: GPL-2.0-only */
/* Random policies: as a model, and as the text that means the same. */
#ifndef XDPFW_TESTS_RANDOM_MODEL_H
#define XDPFW_TESTS_RANDOM_MODEL_H

/* What all that is random here depends on; tests set it, and name it when they fail. */
extern unsigned int seed;

/* 0..bound-1 */
int below(int bound);

/* Often near one another and near the ends, so that ranges touch and overlap. */
int random_port(void);

/* Fill the model and its text with so many statements, or a few less. */
void random_model(int statements);

#endif
