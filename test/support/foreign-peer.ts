/** A participant on a LiveKit client that shares no code with the program: what tests can ask of each of them. */
export type ForeignPeer = {
  /**
   * What it told, in order: `joined`, `published`, `unpublished` (by the server), `subscribed WHO`, `muted WHO`,
   * `unmuted WHO`, `left WHO`, `reconnecting`, `reconnected`, `refused WHY`, `disconnected REASON` (its SDK's own word).
   */
  events: string[]
  /** Frequency heard in the last 200 ms, by publisher identity; 0 is silence, undefined is nothing at all. */
  heardHz(identity: string): number | undefined
  /** Publishes a sine as microphone; rejects with what the client said when it is refused. */
  publishTone(hz: number): Promise<unknown>
  /** Mutes what it publishes, as its SDK does. */
  setMuted(muted: boolean): Promise<void>
  close(): Promise<void>
}
