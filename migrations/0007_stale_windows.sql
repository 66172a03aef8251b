-- Openings that were computed with other zone rules are found by their version, twice a second and over all campaigns:
-- without an index of its own that was a scan of every campaign that is not over (70 ms for 100,000).

create index campaigns_zone_data on campaigns (zone_data_version)
  where status in ('scheduled', 'running', 'paused') and closes_at < 'infinity';
create index zone_groups_zone_data on zone_groups (zone_data_version) where closes_at < 'infinity';
