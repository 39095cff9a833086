# bash completion for mapscope. Commands and options come from --help, so that they are always those of the program.

_mapscope_commands()
{
	"$1" --help 2>/dev/null | sed -n '/^Commands:/,/^$/s/^  \([a-z-]*\) .*/\1/p'
}

_mapscope_options()
{
	COLUMNS=200 "$1" "$2" --help 2>/dev/null | sed -n 's/^ .*\(-.\|  \)[, ] *\(--[a-z-]*\).*/\2/p' | sort -u
}

# The target's part of the command line so far: what `list` needs to name its maps.
_mapscope_target()
{
	local i word

	for ((i = 2; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		case $word in
		-p | -c | -e | --pid | --core | --exe)
			[[ ${COMP_WORDS[i + 1]} == = ]] && ((i++))
			printf '%s\n%s\n' "$word" "${COMP_WORDS[++i]}"
			;;
		-[pce]?*)
			printf '%s\n' "$word"
			;;
		esac
	done
}

# Names of maps, one a line. A process is not stopped for them.
_mapscope_maps()
{
	local -a target

	mapfile -t target < <(_mapscope_target)
	((${#target[@]})) || return
	case ${target[0]} in
	-p* | --pid) target+=(--no-stop) ;;
	esac
	"$1" list --format ndjson "${target[@]/#\~\//$HOME/}" 2>/dev/null |
		sed -n 's/^{"name": *"\(\([^"\\]\|\\.\)*\)".*/\1/p' | sed 's/\\\(["\\]\)/\1/g'
}

_mapscope_add_maps()
{
	local name prefix=$2 quoted=

	case $prefix in
	\'* | \"*) quoted=1 prefix=${prefix:1} ;;
	*) printf -v prefix %s "${prefix//\\/}" ;;
	esac
	while IFS= read -r name; do
		[[ $name == "$prefix"* ]] || continue
		[[ $quoted ]] || printf -v name %q "$name"
		COMPREPLY+=("$name")
	done < <(_mapscope_maps "$1")
}

# Processes whose executable we may see.
_mapscope_pids()
{
	local process

	for process in /proc/[0-9]*; do
		[[ -e $process/exe ]] && echo "${process#/proc/}"
	done
}

_mapscope()
{
	local mapscope=$1 current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
	local command=${COMP_WORDS[1]}

	COMPREPLY=()
	if [[ $current == = ]]; then
		current=
	elif [[ $previous == = ]]; then
		previous=${COMP_WORDS[COMP_CWORD - 2]}
	fi
	if ((COMP_CWORD == 1)); then
		mapfile -t COMPREPLY < <(compgen -W "$(_mapscope_commands "$mapscope") --help --version" -- "$current")
		return
	fi
	case $previous in
	-p | --pid)
		mapfile -t COMPREPLY < <(compgen -W "$(_mapscope_pids)" -- "$current")
		return
		;;
	-c | --core | -e | --exe | --expect)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -- "$current")
		return
		;;
	--format)
		mapfile -t COMPREPLY < <(compgen -W "text json ndjson$([[ $command == layout ]] && echo ' c go')" -- "$current")
		return
		;;
	--limit)
		mapfile -t COMPREPLY < <(compgen -S = -W "$("$mapscope" show --limit help 2>/dev/null | awk '{ print $1 }')" -- "$current")
		compopt -o nospace
		return
		;;
	-g | --goroutine | -f | --frame | --max | --depth | --bucket | --table | --group | --buffer | --go-version)
		return
		;;
	esac
	if [[ $current == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_mapscope_options "$mapscope" "$command")" -- "$current")
		return
	fi
	case $command in
	show | stat | dump) _mapscope_add_maps "$mapscope" "$current" ;;
	esac
}

complete -F _mapscope mapscope
