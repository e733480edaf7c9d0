function __warpline_complete
    set -l line (commandline -cp)
    set -l found (warpline "[suggest:"(string length -- "$line")"]" "$line" 2>/dev/null)
    if test (count $found) -gt 0
        printf '%s\n' $found
    else
        __fish_complete_path (commandline -ct)
    end
end
complete -c warpline -f -a '(__warpline_complete)'
