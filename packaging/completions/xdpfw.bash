# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Completion of xdpfw for bash: the words come from `complete`, which all shells share.

_xdpfw() {
	local before=("${COMP_WORDS[@]:0:COMP_CWORD}") current=$2 words IFS=$'\n'

	# COMP_WORDS has @NAME as two words, $2 has not.
	[ "${before[-1]}" != @ ] || unset 'before[-1]'
	words=$(@SHARE@/xdpfw/complete "${before[@]}" "$current" 2>/dev/null | cut -f 1)
	mapfile -t COMPREPLY < <(compgen -W "${words//FILES/}" -- "$current")
	if [[ $'\n'$words$'\n' == *$'\nFILES\n'* ]]; then
		compopt -o filenames 2>/dev/null
		mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$current")
	fi
}

complete -F _xdpfw xdpfw
