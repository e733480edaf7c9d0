using Warpline.Cli;

return await WarplineCommand.RunAsync(args, Console.Out, Console.Error, interactive: !Console.IsOutputRedirected, errorInteractive: !Console.IsErrorRedirected);
