// What happened in a world, in figures.

export interface Statistics {
  recipients: number;
  /** Requests to create a call whose bytes were written. */
  creates: number;
  /** Calls that the carrier took. */
  calls: number;
  callbacks: number;
  /** Answers to a create from which nobody can tell whether there is a call. */
  unknown: number;
  /** Recipients left to a person. */
  uncertain: number;
  /** Webhooks whose bytes were written. */
  webhooks: number;
  crashes: number;
  /** What people did. */
  acts: number;
  ticks: number;
  virtualMinutes: number;
}

export function noStatistics(): Statistics {
  return {
    recipients: 0,
    creates: 0,
    calls: 0,
    callbacks: 0,
    unknown: 0,
    uncertain: 0,
    webhooks: 0,
    crashes: 0,
    acts: 0,
    ticks: 0,
    virtualMinutes: 0,
  };
}

export function sumStatistics(all: readonly Statistics[]): Statistics {
  const sum = noStatistics();
  for (const one of all) {
    for (const name of Object.keys(sum) as (keyof Statistics)[]) sum[name] += one[name];
  }
  return sum;
}

/** One line per figure. */
export function formatStatistics(statistics: Statistics): string {
  return Object.entries(statistics)
    .map(([name, value]) => `${name.padEnd(16)}${String(value).padStart(10)}`)
    .join("\n");
}
