# SPDX-License-Identifier: GPL-2.0-only
# Completion of xdpfw for fish: the words come from `complete`, which all shells share.

function __xdpfw_complete
    set -l current (commandline -ct)
    for line in (@SHARE@/xdpfw/complete (commandline -opc) "$current" 2>/dev/null)
        if test "$line" = FILES
            __fish_complete_path "$current"
        else
            echo $line
        end
    end
end

complete -c xdpfw -f -a '(__xdpfw_complete)'
