/** Notes what the host complains of until `stop`: uncaught errors, unhandled rejections, warnings that are not expected. */
export function watchHost(expected: RegExp | undefined): { readonly complaints: string[]; stop(): void } {
  const complaints: string[] = [];
  const onError = (error: unknown, origin: string): void => void complaints.push(`${origin}: ${String(error)}`);
  const onWarning = (warning: Error): void => {
    if (expected?.test(`${warning.name}: ${warning.message}`) !== true) complaints.push(String(warning));
  };
  const onRejection = (reason: unknown): void => onError(reason, 'unhandledRejection');
  process.on('uncaughtExceptionMonitor', onError);
  process.on('unhandledRejection', onRejection);
  process.on('warning', onWarning);
  return {
    complaints,
    stop: () => {
      process.off('uncaughtExceptionMonitor', onError);
      process.off('unhandledRejection', onRejection);
      process.off('warning', onWarning);
    },
  };
}
