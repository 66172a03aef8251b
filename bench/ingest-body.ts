// The list that the ingest benchmark sends: as many recipients as a batch may hold, in a body just
// below the largest one. Every phone is of the range that rings nobody.

const AREAS = [202, 212, 213, 312, 303, 404, 415, 512, 602, 617];
const RECIPIENTS = 100_000;
// With names and numbers a recipient then takes some 300 bytes: 30 MB for all.
const NOTE = "Cleaning with Dr. Lovelace, bring the insurance card and the list of medicines. ";

/** @param day a coming one, as YYYY-MM-DD: the campaign waits for it. */
export function ingestBody(agentId: string, day: string): Buffer {
  const recipients = Array.from({ length: RECIPIENTS }, (_, index) => ({
    phone: `+1${AREAS[index % AREAS.length]}55501${String(index % 100).padStart(2, "0")}`,
    variables: {
      patient_name: `Patient ${index}`,
      appointment_time: "Tuesday at 10:30",
      note: NOTE.repeat(2),
      visits: index % 20,
    },
  }));
  const fields = {
    agent_id: agentId,
    prompt: "Call to remind the patient about tomorrow's check-up.",
    schedule_type: "schedule",
    scheduled_date: day,
  };
  return Buffer.from(JSON.stringify({ ...fields, recipients }));
}
