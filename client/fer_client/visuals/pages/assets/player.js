// The moment that the page is at: the video's, or, without a video, one that the page keeps itself.

class Player {
  /** `video` is an element, or null; `facts` are the page's. Times are presentation times of the input. */
  constructor(video, facts) {
    Object.assign(this, { video, facts, watchers: [], time: facts.start_s });
    if (video) this.follow();
  }

  /** Call a function with the time whenever it changes. */
  watch(watcher) {
    this.watchers.push(watcher);
  }

  /** Go to a time. */
  seek(time) {
    const { start_s, end_s } = this.facts;
    const within = Math.min(Math.max(time, start_s), end_s);
    // A little into the frame, since a video shows the frame before one that begins at the very time.
    if (this.video) this.video.currentTime = Math.max(0, within - this.facts.media.start_s + 1e-3);
    this.tell(within);
  }

  /** Play, or stop playing. */
  toggle() {
    if (!this.video) return;
    if (this.video.paused) this.video.play().catch(() => {});
    else this.video.pause();
  }

  /** Tell the watchers the time. */
  tell(time) {
    this.time = time;
    for (const watcher of this.watchers) watcher(time);
  }

  /** Tell the video's time at every picture while it plays, and whenever it jumps. */
  follow() {
    const read = () => {
      this.tell(Math.min(this.video.currentTime + this.facts.media.start_s, this.facts.end_s));
    };
    const step = () => {
      read();
      if (!this.video.paused) requestAnimationFrame(step);
    };
    this.video.addEventListener("play", () => requestAnimationFrame(step));
    this.video.addEventListener("pause", read);
    this.video.addEventListener("seeked", () => this.video.paused || read());
  }
}

/** Give the page's video its source, and return it; null where the page has none. */
function openVideo(media) {
  const video = byId("video");
  if (!video) return null;
  if (media.kind === "linked") video.src = media.href;
  else video.src = URL.createObjectURL(new Blob([takeBytes("packed-video")], { type: "video/mp4" }));
  video.addEventListener("error", () => {
    byId("video-note").textContent =
      "The video cannot be played: it has moved, or this browser does not know its format.";
  });
  return video;
}
