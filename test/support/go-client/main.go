// A participant on LiveKit's Go SDK (pion), for tests: speaks pre-encoded Opus packets, writes what it hears.
//
// stdin: one command per line (mute, unmute, publish, unpublish, leave, drop). stdout: JSON lines, either {"event": ...}
// or {"from": identity, "timestamp": RTP time stamp, "packet": Opus packet in base64}.
package main

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	lksdk "github.com/livekit/server-sdk-go/v2"
	"github.com/pion/webrtc/v4"
	"github.com/pion/webrtc/v4/pkg/media"
)

const packetDuration = 20 * time.Millisecond

var (
	url      = flag.String("url", "", "ws:// or wss:// of the server")
	token    = flag.String("token", "", "access token")
	packets  = flag.String("packets", "", "file of Opus packets of 20 ms, each after its length (16 bits, big endian)")
	explicit = flag.Bool("explicit", false, "join with auto_subscribe=0 and ask for each track by UpdateSubscription")
)

type line struct {
	Event     string `json:"event,omitempty"`
	From      string `json:"from,omitempty"`
	Timestamp uint32 `json:"timestamp,omitempty"`
	Packet    []byte `json:"packet,omitempty"`
}

var (
	out   = json.NewEncoder(os.Stdout)
	outMu sync.Mutex
)

func tell(what line) {
	outMu.Lock()
	defer outMu.Unlock()
	_ = out.Encode(what)
}

func tellEvent(format string, values ...any) { tell(line{Event: fmt.Sprintf(format, values...)}) }

func main() {
	flag.Parse()
	sound, err := readPackets(*packets)
	if err != nil {
		fail(err)
	}
	room, err := lksdk.ConnectToRoomWithToken(*url, *token, callbacks(), lksdk.WithAutoSubscribe(!*explicit))
	if err != nil {
		fail(err)
	}
	tellEvent("joined")
	obey(room, sound)
	room.Disconnect()
	time.Sleep(200 * time.Millisecond) // Disconnect closes in the background.
}

func fail(err error) {
	tellEvent("refused %v", err)
	os.Exit(1)
}

func callbacks() *lksdk.RoomCallback {
	callback := lksdk.NewRoomCallback()
	callback.OnDisconnectedWithReason = func(reason lksdk.DisconnectionReason) { tellEvent("disconnected %s", reason) }
	callback.OnReconnecting = func() { tellEvent("reconnecting") }
	callback.OnReconnected = func() { tellEvent("reconnected") }
	callback.OnParticipantDisconnected = func(who *lksdk.RemoteParticipant) { tellEvent("left %s", who.Identity()) }
	callback.OnTrackPublished = func(publication *lksdk.RemoteTrackPublication, who *lksdk.RemoteParticipant) {
		tellEvent("track of %s", who.Identity())
		if *explicit {
			if err := publication.SetSubscribed(true); err != nil {
				tellEvent("not subscribed %v", err)
			}
		}
	}
	callback.OnTrackSubscribed = func(track *webrtc.TrackRemote, _ *lksdk.RemoteTrackPublication, who *lksdk.RemoteParticipant) {
		tellEvent("subscribed %s", who.Identity())
		go hear(track, who.Identity())
	}
	callback.OnTrackUnsubscribed = func(_ *webrtc.TrackRemote, _ *lksdk.RemoteTrackPublication, who *lksdk.RemoteParticipant) {
		tellEvent("unsubscribed %s", who.Identity())
	}
	callback.OnTrackMuted = func(_ lksdk.TrackPublication, who lksdk.Participant) { tellEvent("muted %s", who.Identity()) }
	callback.OnTrackUnmuted = func(_ lksdk.TrackPublication, who lksdk.Participant) { tellEvent("unmuted %s", who.Identity()) }
	callback.OnLocalTrackUnpublished = func(*lksdk.LocalTrackPublication, *lksdk.LocalParticipant) { tellEvent("unpublished") }
	return callback
}

func hear(track *webrtc.TrackRemote, from string) {
	for {
		packet, _, err := track.ReadRTP()
		if err != nil {
			return
		}
		if len(packet.Payload) > 0 {
			tell(line{From: from, Timestamp: packet.Timestamp, Packet: packet.Payload})
		}
	}
}

// obey runs commands until stdin ends or says leave.
func obey(room *lksdk.Room, sound [][]byte) {
	track, err := lksdk.NewLocalTrack(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2})
	if err != nil {
		fail(err)
	}
	go speak(track, sound)
	var publication *lksdk.LocalTrackPublication
	for commands := bufio.NewScanner(os.Stdin); commands.Scan(); {
		switch command := commands.Text(); command {
		case "publish":
			made, err := room.LocalParticipant.PublishTrack(track, &lksdk.TrackPublicationOptions{Name: "tone"})
			if err != nil {
				tellEvent("refused %v", err)
				continue
			}
			publication = made
			tellEvent("published %s", publication.SID())
		case "unpublish":
			if err := room.LocalParticipant.UnpublishTrack(publication.SID()); err != nil {
				tellEvent("not unpublished %v", err)
			}
		case "mute", "unmute":
			// After a reconnect the track is another publication.
			for _, one := range room.LocalParticipant.TrackPublications() {
				one.(*lksdk.LocalTrackPublication).SetMuted(command == "mute")
			}
		case "leave":
			return
		default:
			tellEvent("unknown command %s", command)
		}
	}
}

func speak(track *lksdk.LocalTrack, sound [][]byte) {
	level := uint8(20)
	ticker := time.NewTicker(packetDuration)
	for i := 0; len(sound) > 0; i++ {
		<-ticker.C
		sample := media.Sample{Data: sound[i%len(sound)], Duration: packetDuration}
		// Not bound yet, or no longer: the next one will do.
		_ = track.WriteSample(sample, &lksdk.SampleWriteOptions{AudioLevel: &level})
	}
}

func readPackets(path string) ([][]byte, error) {
	if path == "" {
		return nil, nil
	}
	bytes, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var read [][]byte
	for len(bytes) >= 2 {
		size := int(binary.BigEndian.Uint16(bytes))
		if len(bytes) < 2+size {
			return nil, io.ErrUnexpectedEOF
		}
		read = append(read, bytes[2:2+size])
		bytes = bytes[2+size:]
	}
	return read, nil
}
