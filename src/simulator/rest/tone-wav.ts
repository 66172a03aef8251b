// A small WAV file for what a simulated call's recording sounds like: a soft tone on both channels,
// so that a player shows something. Nobody speaks in it.

const SAMPLES_PER_SECOND = 8_000;
const CHANNELS = 2;
const BYTES_PER_SAMPLE = 2;
const HEADER_BYTES = 44;
/** Longer recordings repeat nothing new. */
const MAX_SECONDS = 2;
const TONE_HZ = 440;
const LOUDNESS = 4_000;

export function toneWav(seconds: number): Buffer {
  const samples = Math.round(Math.min(Math.max(seconds, 0), MAX_SECONDS) * SAMPLES_PER_SECOND);
  const frameBytes = CHANNELS * BYTES_PER_SAMPLE;
  const wav = Buffer.alloc(HEADER_BYTES + samples * frameBytes);
  wav.write("RIFF", 0, "latin1");
  wav.writeUInt32LE(wav.length - 8, 4);
  wav.write("WAVEfmt ", 8, "latin1");
  wav.writeUInt32LE(16, 16);
  wav.writeUInt16LE(1, 20);
  wav.writeUInt16LE(CHANNELS, 22);
  wav.writeUInt32LE(SAMPLES_PER_SECOND, 24);
  wav.writeUInt32LE(SAMPLES_PER_SECOND * frameBytes, 28);
  wav.writeUInt16LE(frameBytes, 32);
  wav.writeUInt16LE(BYTES_PER_SAMPLE * 8, 34);
  wav.write("data", 36, "latin1");
  wav.writeUInt32LE(samples * frameBytes, 40);
  for (let index = 0; index < samples; index += 1) {
    const level = Math.round(
      LOUDNESS * Math.sin((2 * Math.PI * TONE_HZ * index) / SAMPLES_PER_SECOND),
    );
    const at = HEADER_BYTES + index * frameBytes;
    wav.writeInt16LE(level, at);
    wav.writeInt16LE(level, at + BYTES_PER_SAMPLE);
  }
  return wav;
}
