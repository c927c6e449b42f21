/** What several servers on one database share. Instants are of the database's clock: those of machines may differ. */
export type ClusterTables = {
  /** A server that is alive, or was until `beat_at`. */
  server: {
    /** New at each start, and whenever the others took it for dead. */
    id: string
    /** Where the others reach it. */
    url: string
    /** Where clients reach its media server. */
    media_url: string
    /** Keyed hash of kind and keys of its media plane: one house has one. */
    media_check: string
    beat_at: number
  }
  /** Work that one server does at a time. `fence` grows with each change of hands. */
  lease: { name: string; holder: string; fence: number; beat_at: number; expires_at: number }
}
