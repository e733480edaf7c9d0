# One entry for everything on Windows: .\build.ps1 VERB. The twin of build.sh: same verbs, same steps; a test compares
# them. Written for Windows 10 and later with winget; the native code is built by MSYS2's UCRT64 g++.
param(
    [Parameter(Position = 0)][string]$Verb = '',
    [Parameter(Position = 1, ValueFromRemainingArguments = $true)][string[]]$Arguments = @()
)
$ErrorActionPreference = 'Stop'
Set-StrictMode -Version 3
$Root = $PSScriptRoot
Set-Location $Root
$BuildDir = Join-Path $Root 'build'
$NativeDir = Join-Path $BuildDir 'cpu'
$LogDir = Join-Path $BuildDir 'log'
$DotnetDir = Join-Path $BuildDir 'dotnet'
$Msys = if ($env:MSYS2_ROOT) { $env:MSYS2_ROOT } else { 'C:\msys64' }
$env:Path = "$Msys\ucrt64\bin;$env:Path"
$env:CMAKE_GENERATOR = 'Ninja'
$env:DOTNET_NOLOGO = '1'
$env:DOTNET_CLI_TELEMETRY_OPTOUT = '1'
$env:DOTNET_GENERATE_ASPNET_CERTIFICATE = 'false'
if ($env:CI -eq 'true') { $env:MSBUILDDISABLENODEREUSE = '1'; $env:UseSharedCompilation = 'false' }
$Filter = ''
# Whether verb_setup looks for the CUDA toolkit.
$WantToolkit = $false
$Totals = @{ passed = 0; failed = 0; skipped = 0 }

function usage {
    @'
usage: .\build.ps1 VERB
  setup [--cuda]           install what is missing (winget, MSYS2) and check the .NET SDK; --cuda looks for a CUDA toolkit
                           of 12.4 or newer too
  build                    the native library, the C# libraries, the command (build\bin\warpline) and the tests
  demo [--picture]         build what the demonstration needs and run it; --picture draws it into docs\demo.svg instead
  test [--full] [FILTER]   build and run all tests, or those whose name contains FILTER; --full runs the long sweeps too
  bench                    build and run the benchmarks
  pack                     write the NuGet packages to build\packages
  format                   format C, C++ and C# sources in place
  clean                    delete the build folder
'@
}

# step NAME REMEDY { COMMANDS }: runs them into a log of their own, one line with its time. When it fails: the end of the
# log, where the log is, and the one thing to do.
function step([string]$Name, [string]$Remedy, [scriptblock]$Commands) {
    New-Item -ItemType Directory -Force $LogDir | Out-Null
    $log = Join-Path $LogDir ($Name.Replace(' ', '-') + '.log')
    $watch = [Diagnostics.Stopwatch]::StartNew()
    Write-Host ('{0,-34}' -f $Name) -NoNewline
    try {
        & $Commands *> $log
    }
    catch {
        $_ | Out-File -Append $log
        Write-Host ('failed after {0:0.0} s' -f $watch.Elapsed.TotalSeconds)
        Get-Content $log -Tail 20 | ForEach-Object { Write-Host "  | $_" }
        Write-Host "  log: $log"
        Write-Host "  to do: $Remedy"
        exit 1
    }
    Write-Host ('{0,8}' -f ('{0:0.0} s' -f $watch.Elapsed.TotalSeconds))
}

# Runs a program and throws when it fails: native exit codes do not stop a script by themselves.
function run([string]$Program, [string[]]$Options) {
    & $Program @Options
    if ($LASTEXITCODE -ne 0) { throw "$Program $Options ended with status $LASTEXITCODE" }
}

function install_packages([string]$Purpose) {
    $prefix = 'mingw-w64-ucrt-x86_64'
    $wanted = @('gcc', 'cmake', 'ninja', 'pkgconf', 'tbb', 'highway')
    if ($Purpose -eq 'develop') { $wanted += @('ccache', 'gtest') }
    if (-not (Test-Path "$Msys\usr\bin\pacman.exe")) {
        run winget @('install', '--exact', '--id', 'MSYS2.MSYS2', '--accept-package-agreements', '--accept-source-agreements')
    }
    $missing = @($wanted | Where-Object { & "$Msys\usr\bin\pacman.exe" -Q "$prefix-$_" *> $null; $LASTEXITCODE -ne 0 } |
            ForEach-Object { "$prefix-$_" })
    if ($missing.Count -gt 0) { run "$Msys\usr\bin\pacman.exe" (@('-S', '--noconfirm', '--needed') + $missing) }
}

function check_sdk {
    if (Get-Command dotnet -ErrorAction SilentlyContinue) { dotnet --version; if ($LASTEXITCODE -eq 0) { return } }
    run winget @('install', '--exact', '--id', 'Microsoft.DotNet.SDK.10', '--accept-package-agreements', '--accept-source-agreements')
}

# NVIDIA's installer sets CUDA_PATH.
function get_cuda_toolkit {
    if (-not $env:CUDA_PATH) { throw 'CUDA_PATH is not set' }
    $text = (& (Join-Path $env:CUDA_PATH 'bin\nvcc.exe') --version) -join ' '
    if ($text -notmatch 'release (\d+\.\d+)') { throw "no nvcc that runs below $env:CUDA_PATH" }
    if ([version]$Matches[1] -lt [version]'12.4') { throw "$env:CUDA_PATH holds CUDA $($Matches[1]); 12.4 or newer is needed" }
    $env:CUDA_PATH
}

function configure([string]$Preset, [string[]]$Options) {
    run cmake (@('--preset', $Preset) + $Options)
}

# With the CUDA library, where a toolkit is found and works.
function configure_all([string[]]$Options) {
    configure cpu (@('-DWARPLINE_CUDA=AUTO', "-DWARPLINE_CUDA_TOOLKIT=$env:CUDA_PATH") + $Options)
}

# For the CPU library alone; a tree that was configured for more stays so.
function configure_library {
    if (-not (Test-Path (Join-Path $NativeDir 'build.ninja'))) { configure cpu @('-DWARPLINE_BUILD_TESTS=OFF', '-DWARPLINE_CUDA=OFF') }
}

function compile([string]$Preset, [string[]]$Targets) {
    $options = @('--build', (Join-Path $BuildDir $Preset))
    if ($Targets) { $options += @('--target') + $Targets }
    run cmake $options
}

function compile_managed([string]$Project) {
    run dotnet @('build', $Project, '-c', 'Release', '-v', 'quiet')
}

# The C sample is built as its reader would: against the installed library.
function build_sample {
    $install = Join-Path $BuildDir 'install'
    run cmake @('--install', $NativeDir, '--prefix', $install)
    run cmake @('-S', 'samples/c', '-B', "$NativeDir\samples", '-G', 'Ninja', '-DCMAKE_BUILD_TYPE=Release', "-DCMAKE_PREFIX_PATH=$install")
    run cmake @('--build', "$NativeDir\samples")
    $env:Path = "$install\bin;$env:Path"
}

# The files of the native package: the library, and what it needs of MSYS2. It is opened by its full path, and Windows then looks
# for these beside it.
function prepare_native_libraries([string]$Folder) {
    if (Test-Path $Folder) { Remove-Item -Recurse -Force $Folder }
    New-Item -ItemType Directory -Force $Folder | Out-Null
    Copy-Item (Join-Path $BuildDir 'lib\warpline.dll') $Folder
    foreach ($file in @('tbb12.dll', 'libstdc++-6.dll', 'libgcc_s_seh-1.dll', 'libwinpthread-1.dll')) {
        Copy-Item "$Msys\ucrt64\bin\$file" $Folder
    }
}

# A package of each packable project of the solution.
function write_packages([string]$Folder) {
    if (Test-Path $Folder) { Remove-Item -Recurse -Force $Folder }
    run dotnet @('pack', 'Kernels.sln', '-c', 'Release', '-v', 'quiet', '-o', $Folder)
}

function c_sources { git ls-files -- '*.h' '*.c' '*.cpp' '*.cu' '*.cuh' }

function check_format {
    if (Get-Command clang-format -ErrorAction SilentlyContinue) {
        if ((clang-format --version) -match 'version 14\.') { run clang-format (@('--dry-run', '-Werror') + @(c_sources)) }
    }
    run dotnet @('format', 'whitespace', '.', '--folder', '--verify-no-changes', '--include', 'bindings/', 'managed/', 'tests/managed/', 'bench/managed/', 'tools/')
}

function install_formatter {
    if (-not (Get-Command clang-format -ErrorAction SilentlyContinue)) { throw 'no clang-format on the PATH' }
    if ((clang-format --version) -notmatch 'version 14\.') { throw "clang-format 14 is wanted, not $(clang-format --version)" }
}

function apply_format {
    run clang-format (@('-i') + @(c_sources))
    run dotnet @('format', 'Kernels.sln')
}

# A skip counts as a failure unless tests/expected-skips.txt lists it: a pattern of PROGRAM/TEST, then '#' and the reason.
function record([string]$Name, [int]$Status, [int]$Passed, [int]$Failed, [string[]]$Skips) {
    $allowed = @(Get-Content tests/expected-skips.txt | ForEach-Object { ($_ -replace '\s*#.*$', '') } | Where-Object { $_ })
    $skipped = 0
    foreach ($skip in $Skips) {
        if ($allowed | Where-Object { "$Name/$skip" -like $_ }) { $skipped++ }
        else { $Failed++; Write-Host "`n    skipped, but not in tests/expected-skips.txt: $skip" -NoNewline }
    }
    $ran = $Passed + $Failed + $skipped
    if (($ran -eq 0 -and -not $Filter) -or ($Status -ne 0 -and $Failed -eq 0 -and $ran -ne 0)) { $Failed = 1 }
    Write-Host ("`n  {0,-36}{1,5} passed, {2} failed, {3} skipped" -f $Name, $Passed, $Failed, $skipped) -NoNewline
    $Totals.passed += $Passed; $Totals.failed += $Failed; $Totals.skipped += $skipped
}

function matches([string[]]$Lines, [string]$Pattern) {
    @($Lines | Select-String -Pattern $Pattern | ForEach-Object { $_.Matches[0].Groups[1].Value })
}

function run_google_tests([string]$Prefix, [string]$Folder) {
    foreach ($program in Get-ChildItem (Join-Path $Folder '*_test.exe')) {
        $options = @('--gtest_color=no')
        if ($Filter) { $options += "--gtest_filter=*$Filter*" }
        $lines = & $program.FullName @options 2>&1 | ForEach-Object { "$_" }
        $status = $LASTEXITCODE
        $lines | Out-File (Join-Path $LogDir "$Prefix$($program.BaseName).log")
        record "$Prefix$($program.BaseName)" $status (matches $lines '^\[ *(OK) *\] .* \(\d+ ms\)$').Count `
            (matches $lines '^\[ *FAILED *\] (.*) \(\d+ ms\)$').Count (matches $lines '^\[ *SKIPPED *\] (.*) \(\d+ ms\)$')
    }
}

function run_nunit([string]$Project) {
    $options = @("$DotnetDir\bin\$Project\release\$Project.dll", '--no-ansi', '--progress', 'off', '--output', 'Detailed')
    if ($Filter) { $options += @('--filter', "FullyQualifiedName~$Filter") }
    $lines = & dotnet @options 2>&1 | ForEach-Object { "$_" }
    $status = $LASTEXITCODE
    $lines | Out-File (Join-Path $LogDir "$Project.log")
    record $Project $status (matches $lines '^ *succeeded: (\d+)')[0] (matches $lines '^ *failed: (\d+)')[0] `
        (matches $lines '^skipped (.*) \([^()]*\)$')
}

# The last line of a test run.
function summary {
    Write-Host "$($Totals.passed) passed, $($Totals.failed) failed, $($Totals.skipped) skipped"
    if ($Totals.failed -gt 0 -or $Totals.passed -eq 0) { exit 1 }
}

# All of them, whichever misses a bar; fails if one did. Every figure goes to build/bench.
function run_benchmarks {
    $missed = @()
    $folder = Join-Path $BuildDir 'bench'
    New-Item -ItemType Directory -Force $folder | Out-Null
    foreach ($program in Get-ChildItem (Join-Path $NativeDir 'bench\*_bench.exe')) {
        & $program.FullName --json (Join-Path $folder ($program.BaseName -replace '_bench$', '.json')) | Out-Host
        if ($LASTEXITCODE -ne 0) { $missed += $program.BaseName }
    }
    & dotnet "$DotnetDir\bin\Warpline.Benchmarks\release\Warpline.Benchmarks.dll" | Out-Host
    if ($LASTEXITCODE -ne 0) { $missed += 'Warpline.Benchmarks' }
    if ($missed) { throw "failed: $missed" }
}

function verb_setup([string[]]$Options) {
    foreach ($option in $Options) {
        if ($option -eq '--cuda') { $script:WantToolkit = $true } else { usage; exit 2 }
    }
    step 'install packages' "see the log's last line, then run .\build.ps1 setup again" { install_packages develop }
    step 'check the .NET SDK' 'install the .NET 10 SDK from https://dot.net/download and put dotnet on the PATH' { check_sdk }
    if ($WantToolkit) {
        step 'get the CUDA toolkit' "install NVIDIA's CUDA toolkit 12.4 or newer from https://developer.nvidia.com/cuda-downloads" { get_cuda_toolkit }
    }
}

function verb_build {
    verb_setup
    step 'configure native code' 'delete the folder build and try again' { configure_all @('-DWARPLINE_BUILD_TESTS=ON') }
    step 'compile native code' 'mend the first error in the log' { compile cpu }
    step 'compile managed code' 'mend the first error in the log' { compile_managed Kernels.sln }
}

function verb_demo([string[]]$Options) {
    $picture = "$Options" -eq '--picture'
    if ($Options -and -not $picture) { usage; exit 2 }
    step 'install packages' "see the log's last line, then run .\build.ps1 demo again" { install_packages run }
    step 'check the .NET SDK' 'install the .NET 10 SDK from https://dot.net/download and put dotnet on the PATH' { check_sdk }
    step 'configure native code' 'delete the folder build and try again' { configure_library }
    step 'compile native code' 'mend the first error in the log' { compile cpu @('warpline') }
    step 'build the C sample' 'mend the first error in the log' { build_sample }
    step 'compile managed code' 'mend the first error in the log' { compile_managed managed/Warpline.Cli/Warpline.Cli.csproj }
    $demo = @('--samples', 'samples', '--c-sample', 'build/cpu/samples/storyteller.exe')
    if ($picture) {
        step 'compile the drawing tool' 'mend the first error in the log' { compile_managed tools/demo-picture/Warpline.DemoPicture.csproj }
        step 'draw the demonstration' 'read the log' {
            run dotnet (@("$DotnetDir\bin\Warpline.DemoPicture\release\Warpline.DemoPicture.dll", 'docs/demo.svg') + $demo)
        }
    }
    else {
        run dotnet (@("$DotnetDir\bin\Warpline.Cli\release\Warpline.Cli.dll", 'demo') + $demo) | Out-Host
    }
}

function verb_test {
    foreach ($argument in $Arguments) {
        if ($argument -eq '--full') { $env:WARPLINE_TEST_FULL = '1' }
        elseif ($argument.StartsWith('-')) { usage; exit 2 }
        else { $script:Filter = $argument }
    }
    verb_build
    step 'check formatting' 'run .\build.ps1 format' { check_format }
    step 'run native tests' 'read the log' { run_google_tests '' (Join-Path $NativeDir 'tests') }
    step 'run managed tests' 'read the log' { run_nunit Warpline.Tests }
    step 'run interop tests' 'read the log' { run_nunit Warpline.Interop.Tests }
    if ($env:CI -eq 'true' -or $env:WARPLINE_TEST_FULL) {
        step 'configure sanitized code' 'delete the folder build/asan and try again' { configure asan @('-DWARPLINE_BUILD_TESTS=ON') }
        step 'compile sanitized code' 'mend the first error in the log' { compile asan }
        step 'run sanitized tests' 'read the log' { run_google_tests 'asan-' (Join-Path $BuildDir 'asan\tests') }
    }
    if ($env:WARPLINE_TEST_FULL) {
        # libFuzzer and its sanitizers are not used on Windows.
        step 'fuzz the C ABI' 'read the log; the bytes of a bad call lie in build/fuzz' { record 'abi_fuzz' 0 0 0 @('all') }
    }
    summary
}

function verb_bench {
    verb_setup
    step 'configure native code' 'delete the folder build and try again' { configure_all @('-DWARPLINE_BUILD_BENCH=ON') }
    step 'compile native code' 'mend the first error in the log' { compile cpu }
    step 'compile managed code' 'mend the first error in the log' { compile_managed Kernels.sln }
    step 'run benchmarks' 'see which bar was missed above' { run_benchmarks }
}

function verb_pack {
    verb_setup
    step 'configure native code' 'delete the folder build and try again' { configure_library }
    step 'compile native code' 'mend the first error in the log' { compile cpu @('warpline') }
    step 'prepare native libraries' 'read the log' { prepare_native_libraries (Join-Path $BuildDir 'packed-native') }
    step 'write packages' 'mend the first error in the log' { write_packages (Join-Path $BuildDir 'packages') }
}

function verb_format {
    step 'install formatter' 'install clang-format 14 and try again' { install_formatter }
    step 'format sources' 'mend the first error in the log' { apply_format }
}

function verb_clean {
    if (Test-Path $BuildDir) { Remove-Item -Recurse -Force $BuildDir }
}

switch ($Verb) {
    'setup' { verb_setup $Arguments }
    'build' { verb_build }
    'demo' { verb_demo $Arguments }
    'test' { verb_test }
    'bench' { verb_bench }
    'pack' { verb_pack }
    'format' { verb_format }
    'clean' { verb_clean }
    'help' { usage }
    default { usage; exit 2 }
}
