// Loaded before a server by `--import`: this machine's clock, as that process sees it, is wrong by
// TORTURE_CLOCK_SKEW_MS. Its monotonic clock is left alone.

const skewMs = Number(process.env["TORTURE_CLOCK_SKEW_MS"] ?? 0);
const now = Date.now.bind(Date);

Date.now = () => now() + skewMs;
globalThis.Date = new Proxy(Date, {
  construct: (target, args: []) =>
    args.length === 0 ? new target(now() + skewMs) : new target(...args),
});
