@echo off
rem Copied to build\bin\warpline.cmd by the build: runs the command from the build folder that it lies in.
set "folder=%~dp0..\dotnet\bin\Warpline.Cli\release"
if not exist "%folder%\Warpline.Cli.dll" set "folder=%~dp0..\dotnet\bin\Warpline.Cli\debug"
dotnet "%folder%\Warpline.Cli.dll" %*
