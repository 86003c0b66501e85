# SPDX-License-Identifier: GPL-2.0-only
"""What it costs a flood that somebody follows the events: the reference is the same firewall with nobody reading."""

import time

from contenders import Xdpfw
from flood import MANY_PORTS, ONE_FLOW, Grounds, Scenario, run_scenario


class Followed(Xdpfw):
    """With `xdpfw log` running in the target, which the lab ends."""

    def start(self, lab):
        super().start(lab)
        lab.start(lab.target, [self.binary, "-n", lab.target, "log", "--json"])
        time.sleep(0.5)  # until it follows


def scenarios(options):
    def contenders(*rules):
        rules = ["default deny in", *rules]
        return [Xdpfw("nobody follows", options.xdpfw, "native", rules, options.scratch),
                Followed("xdpfw log follows", options.xdpfw, "native", rules, options.scratch)]

    plain = contenders()
    return [
        Scenario("log: denied UDP port, 1 flow", ONE_FLOW, "drop", plain),
        Scenario("log: denied UDP, 65,536 source and destination ports", MANY_PORTS, "drop", plain),
        Scenario("log: the same, beside rules with log", MANY_PORTS, "drop", contenders("allow in 22/tcp log")),
    ]


def sections(options):
    with Grounds(options) as grounds:
        for scenario in scenarios(options):
            yield run_scenario(grounds, scenario)
