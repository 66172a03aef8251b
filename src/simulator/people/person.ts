// What every scripted person has in common: what they can hear and what they can do.

import type { Dice } from "../dice.ts";
import type { Pace } from "../pace.ts";
import type { PersonVoice } from "../line/person-voice.ts";

export interface Person {
  /** They have just picked up. */
  pickedUp(): void;
  /** The agent starts to be heard. */
  agentBegan(): void;
  /** One clause was heard to its end. */
  agentSpoke(clause: string): void;
  /** The agent is silent again after saying this. */
  agentEnded(heard: string): void;
  /**
   * The agent fell silent in mid-sentence: somebody talked over it, or the call goes on otherwise.
   */
  agentWasCut(): void;
  /** The call is over: nothing more will be done. */
  lineClosed(): void;
}

export interface PersonParts {
  readonly pace: Pace;
  readonly dice: Dice;
  readonly voice: PersonVoice;
  readonly hangUp: () => void;
}
