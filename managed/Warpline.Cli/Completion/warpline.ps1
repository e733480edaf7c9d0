Register-ArgumentCompleter -Native -CommandName warpline -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $position = $cursorPosition - $commandAst.Extent.StartOffset
    $program = $commandAst.GetCommandName()
    & $program "[suggest:$position]" $commandAst.ToString() 2>$null | ForEach-Object {
        [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
    }
}
