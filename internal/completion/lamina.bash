# bash completion for lamina                              -*- shell-script -*-
# It needs neither the package bash-completion nor a newer bash than 3.2.

# __lamina_words sets words to the words up to the cursor. Bash splits words at = and :, too; they are joined again.
__lamina_words() {
    local rest=${COMP_LINE:0:COMP_POINT} word last=-1
    words=()
    for word in "${COMP_WORDS[@]:0:COMP_CWORD+1}"; do
        if [[ $rest == [[:space:]]* || $last -lt 0 ]]; then
            rest=${rest#"${rest%%[![:space:]]*}"}
            last=$((last + 1))
            words[last]=
        fi
        if [[ -n $word && $rest == "$word"* ]]; then
            rest=${rest#"$word"}
        else
            word=$rest rest=
        fi
        words[last]+=$word
    done
    for ((last = 0; last < ${#words[@]}; last++)); do
        words[last]=${words[last]//[\"\'\\]/}
    done
}

__start_lamina() {
    local words cur reply directive=0 line value head= tab=$'\t'
    local -a values lines
    COMPREPLY=()
    __lamina_words
    cur=${words[${#words[@]}-1]}
    if [[ $cur == -*=* ]]; then
        head=${cur%%=*}=
    fi
    reply=$("${COMP_WORDS[0]/#\~/$HOME}" __complete "${words[@]:1}" 2>/dev/null) || return 0
    while IFS= read -r line; do
        case $line in
        :[0-9]*) directive=${line#:} ;;
        *)
            value=${line%%$tab*}
            if [[ -n $value && $head$value == "$cur"* ]]; then
                values+=("$head$value")
                lines+=("$line")
            fi
            ;;
        esac
    done <<<"$reply"
    if type compopt >/dev/null 2>&1; then
        ((directive & 2)) && compopt -o nospace
        ((directive & 4)) && compopt +o default
        ((directive & 32)) && compopt -o nosort 2>/dev/null
    fi
    __lamina_reply
    return 0
}

# __lamina_reply sets COMPREPLY. Bash replaces only the part of the word after its last = or :.
__lamina_reply() {
    local i width=0 done=
    local separators=${COMP_WORDBREAKS//[^=:]/}
    if [[ -n $separators && $cur == *["$separators"]* ]]; then
        done=${cur%"${cur##*["$separators"]}"}
    fi
    if ((${#values[@]} == 1)) || [[ $COMP_TYPE == 37 || $COMP_TYPE == 42 ]]; then
        for ((i = 0; i < ${#values[@]}; i++)); do
            value=${values[i]#"$done"}
            [[ $value == *[[:space:]]* ]] && value=$(printf '%q' "$value")
            COMPREPLY[i]=$value
        done
        return
    fi
    for ((i = 0; i < ${#values[@]}; i++)); do
        ((${#values[i]} > width)) && width=${#values[i]}
    done
    for ((i = 0; i < ${#values[@]}; i++)); do
        value=${values[i]#"$done"}
        if [[ ${lines[i]} == *$tab?* ]]; then
            printf -v value '%-*s  (%s)' $((width - ${#done})) "$value" "${lines[i]#*$tab}"
            value=${value:0:${COLUMNS:-80}}
        fi
        COMPREPLY[i]=$value
    done
}

complete -o default -F __start_lamina lamina
