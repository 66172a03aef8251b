// Calling windows by PostgreSQL's own zone tables: what is inside and what opens next, computed in
// SQL from local timestamps alone. It finds clock changes by halving, and openings by trying every
// instant at which membership could turn. It shares no line with the domain.

import type { TestDatabase } from "../support/test-database.ts";

export type ZoneChange = {
  readonly at: number;
  /** Seconds that the local clock is ahead of UTC, before and from `at` on. */
  readonly before: number;
  readonly after: number;
};

/** A window in a zone, and a time around which it is asked about. */
export interface OracleGroup {
  readonly zone: string;
  readonly startMinutes: number;
  readonly endMinutes: number;
  /** 1 (Monday) to 7. */
  readonly isoDays: readonly number[];
  readonly aroundAt: number;
  /** Only openings of this instant's local day or later count; null: any. */
  readonly opensFrom: number | null;
}

export type OracleAnswer = {
  readonly isInside: boolean;
  /** Membership among openings that count: with opensFrom, without the days before it. */
  readonly isOpen: boolean;
  /** When open: the last instant at which it opened; else the next. null: none in sight. */
  readonly opensAt: number | null;
  /** null: none in sight, for ever. */
  readonly closesAt: number | null;
};

// Rules of all zones from 1970, and far enough past 2037 for the last openings.
const CHANGES_FROM = "1969-11-01";
const CHANGES_TO = "2038-06-01";

// "offset 0" below keeps the planner from computing a subquery's columns once per use.
const SET_UP = `
create table oracle_change (zone text, at timestamptz, before_s int, after_s int);
create table oracle_group (
  id int primary key, zone text, start_minutes int, end_minutes int, iso_days int[],
  around_at timestamptz, first_day date
);
create table oracle_edge (group_id int, at timestamptz, opens boolean);
create function instant_of(ms double precision) returns timestamptz language sql immutable as
  $$ select 'epoch'::timestamptz + ms * interval '1 millisecond' $$;
create function ms_of(at timestamptz) returns double precision language sql immutable as
  $$ select round(extract(epoch from at) * 1000)::double precision $$;
create function ahead(zone text, at timestamptz) returns interval language sql stable as
  $$ select (at at time zone zone) - (at at time zone 'UTC') $$;
create function offset_s(zone text, at timestamptz) returns int language sql stable as
  $$ select extract(epoch from ahead(zone, at))::int $$;
create function is_inside(local timestamp, starts int, ends int, days int[], first_day date)
returns boolean language plpgsql immutable as $$
declare
  minute int := extract(hour from local)::int * 60 + extract(minute from local)::int;
  today int := extract(isodow from local)::int;
  yesterday int := case today when 1 then 7 else today - 1 end;
  counts_today boolean := first_day is null or local::date >= first_day;
  counts_yesterday boolean := first_day is null or local::date - 1 >= first_day;
begin
  if starts < ends then
    return counts_today and today = any(days) and minute >= starts and minute < ends;
  end if;
  return (counts_today and today = any(days) and minute >= starts)
    or (counts_yesterday and yesterday = any(days) and minute < ends);
end $$;
`;

// Samples five days apart, then halves to the second. A change undone within five days would be
// missed, and show as a difference of data (the shortest so far is a week of Brazil's).
const FIND_CHANGES = `
with recursive zones as (select unnest($1::text[]) as zone),
moments as materialized (
  select at, at at time zone 'UTC' as utc
  from generate_series($2::timestamptz, $3::timestamptz, interval '5 days') as at
),
samples as (
  select zone, s.* from zones cross join lateral (
    select at, lead(at) over w as next_at, ahead, lead(ahead) over w as next_ahead
    from (select at, (at at time zone zone) - utc as ahead from moments offset 0) a
    window w as (order by at)
  ) s
),
halved as (
  select zone, extract(epoch from at)::bigint as lo, extract(epoch from next_at)::bigint as hi,
    ahead, next_ahead
  from samples where ahead <> next_ahead
  union all
  select zone, case when same then mid else lo end, case when same then hi else mid end,
    ahead, next_ahead
  from (
    select h.*, (lo + hi) / 2 as mid, ahead(zone, to_timestamp((lo + hi) / 2)) = ahead as same
    from halved h where hi - lo > 1 offset 0
  ) m
)
insert into oracle_change
select zone, to_timestamp(hi), extract(epoch from ahead)::int, extract(epoch from next_ahead)::int
from halved where hi - lo = 1
union all
select zone, $2::timestamptz, offset_s(zone, $2::timestamptz), offset_s(zone, $2::timestamptz)
from zones`;

// Every instant at which membership can turn: a bound of the local clock under any offset that the
// zone has in those weeks, and the clock changes themselves. Asked instants lie within about a week
// of the group's; the next opening may be two weeks off, and last a week.
const FIND_EDGES = `
insert into oracle_edge
select g.id, c.at, m.is_now
from oracle_group g
cross join lateral (
  select array_agg(distinct o) as offsets from (
    select offset_s(g.zone, g.around_at) union all
    select unnest(array[before_s, after_s]) from oracle_change x
    where x.zone = g.zone
      and x.at between g.around_at - interval '8 days' and g.around_at + interval '33 days'
  ) as all_offsets (o)
) k
cross join lateral (
  select (g.around_at at time zone 'UTC')::date + d as day from generate_series(-6, 31) as d
) days
cross join lateral (
  select distinct ((days.day + minute * interval '1 minute') at time zone 'UTC')
    - o * interval '1 second' as at
  from unnest(array[g.start_minutes, g.end_minutes]) as minute, unnest(k.offsets) as o
) c
cross join lateral (
  select is_inside(c.at at time zone g.zone, start_minutes, end_minutes, iso_days, first_day) as is_now,
    is_inside((c.at - interval '1 millisecond') at time zone g.zone,
      start_minutes, end_minutes, iso_days, first_day) as was
  offset 0
) m
where g.id between $1 and $2 and m.is_now <> m.was
union
select g.id, x.at, m.is_now
from oracle_group g
join oracle_change x on x.zone = g.zone
  and x.at between g.around_at - interval '6 days' and g.around_at + interval '32 days'
cross join lateral (
  select is_inside(x.at at time zone g.zone, start_minutes, end_minutes, iso_days, first_day) as is_now,
    is_inside((x.at - interval '1 millisecond') at time zone g.zone,
      start_minutes, end_minutes, iso_days, first_day) as was
  offset 0
) m
where g.id between $1 and $2 and m.is_now <> m.was`;

const ANSWER = `
with asked as materialized (
  select row, group_id, at, is_inside(local, start_minutes, end_minutes, iso_days, null) as inside,
    is_inside(local, start_minutes, end_minutes, iso_days, first_day) as open
  from (
    select q.row, q.group_id, instant_of(q.ms) as at, instant_of(q.ms) at time zone g.zone as local, g.*
    from unnest($1::int[], $2::double precision[]) with ordinality as q (group_id, ms, row)
    join oracle_group g on g.id = q.group_id
    offset 0
  ) l
)
select a.inside as "isInside", a.open as "isOpen", ms_of(o.at) as "opensAt", ms_of(c.at) as "closesAt"
from asked a
cross join lateral (
  select case when a.open then
    (select max(at) from oracle_edge where group_id = a.group_id and opens and at <= a.at)
  else
    (select min(at) from oracle_edge where group_id = a.group_id and opens and at > a.at)
  end as at offset 0
) o
cross join lateral (
  select min(at) as at from oracle_edge
  where group_id = a.group_id and not opens and at > case when a.open then a.at else o.at end
  offset 0
) c
order by a.row`;

/** Names of zones that PostgreSQL knows. */
export async function oracleZones(db: TestDatabase): Promise<readonly string[]> {
  const { rows } = await db.query<{ name: string }>(
    `select name from pg_timezone_names where name !~ '^(posix/|right/|posixrules|localtime)'`,
  );
  return rows.map((row) => row.name).sort();
}

/**
 * Makes the oracle's tables and finds every clock change of these zones, in order; the first of
 * each only says with which offset it begins. Once per database.
 */
export async function setUpOracle(
  db: TestDatabase,
  zones: readonly string[],
): Promise<ReadonlyMap<string, readonly ZoneChange[]>> {
  await db.query(SET_UP);
  await db.query(FIND_CHANGES, [zones, CHANGES_FROM, CHANGES_TO]);
  await db.query("create index on oracle_change (zone, at)");
  const { rows } = await db.query<ZoneChange & { zone: string }>(
    `select zone, ms_of(at) as at, before_s as before, after_s as after
     from oracle_change order by zone, at`,
  );
  return Map.groupBy(rows, (row) => row.zone);
}

/** Writes the groups, numbered by their place, and finds all their edges. Once per database. */
export async function addGroups(db: TestDatabase, groups: readonly OracleGroup[]): Promise<void> {
  const json = groups.map((group, id) => ({ id, ...group }));
  await db.query(
    `insert into oracle_group
     select id, zone, "startMinutes", "endMinutes", "isoDays", instant_of("aroundAt"),
       (instant_of("opensFrom") at time zone zone)::date
     from jsonb_to_recordset($1::jsonb) as g (id int, zone text, "startMinutes" int,
       "endMinutes" int, "isoDays" int[], "aroundAt" double precision, "opensFrom" double precision)`,
    [JSON.stringify(json)],
  );
  const size = 1_000;
  for (let first = 0; first < groups.length; first += size) {
    await db.query(FIND_EDGES, [first, first + size - 1]);
  }
  await db.query("create index on oracle_edge (group_id, at)");
  await db.query("analyze oracle_group, oracle_edge");
}

/** The oracle's answers for instants of the groups, in the order asked. */
export async function askOracle(
  db: TestDatabase,
  cases: readonly { readonly group: number; readonly at: number }[],
): Promise<readonly OracleAnswer[]> {
  const { rows } = await db.query<OracleAnswer>(ANSWER, [
    cases.map((it) => it.group),
    cases.map((it) => it.at),
  ]);
  return rows;
}
