// A few places for heavy work and a short queue for them; beyond that the server says that it is
// busy.

export interface WorkPlaces {
  /** Runs `work` once a place is free. @throws what `refuse` gives when too many wait. */
  run<T>(work: () => Promise<T>): Promise<T>;
}

export function createWorkPlaces(options: {
  readonly maxRunning: number;
  readonly maxWaiting: number;
  readonly refuse: () => Error;
}): WorkPlaces {
  let running = 0;
  const waiting: (() => void)[] = [];
  const take = async (): Promise<void> => {
    if (running < options.maxRunning) {
      running += 1;
      return;
    }
    if (waiting.length >= options.maxWaiting) throw options.refuse();
    // The one who ends hands its place over, so `running` stays as it is.
    await new Promise<void>((resolve) => waiting.push(resolve));
  };
  const give = (): void => {
    const next = waiting.shift();
    if (next === undefined) running -= 1;
    else next();
  };
  return {
    run: async (work) => {
      await take();
      try {
        return await work();
      } finally {
        give();
      }
    },
  };
}
