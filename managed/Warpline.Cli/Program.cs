using Warpline.Cli;

return await WarplineCommand.RunAsync(
    args, Console.In, Console.Out, Console.Error, interactive: !Console.IsOutputRedirected, errorInteractive: !Console.IsErrorRedirected);
