"""Frames and their times from a video container, decoded with PyAV."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

from ..frames.timed_frame import TimedFrame
from .clip import Clip, VideoError
from .coded_slices import CodedSlices
from .container_check import ContainerCheck
from .cut_video import CutFrames
from .decoded_pictures import DecodedPictures
from .file_layout import layout_of
from .frame_colours import StatedColours
from .matroska import states_rate
from .mp4_fragments import Fragments, fragments_of
from .pyav import pyav

# FFmpeg makes up times for formats that have none (raw H.264): AVFMT_NOTIMESTAMPS of its avformat.h.
_NO_TIMESTAMPS = 0x0080
# Broadcast streams, whose clock starts anywhere.
_ANY_START = ("mpegts", "mpeg")
# FFmpeg draws text files as if on a terminal.
_TEXT_FORMATS = ("tty",)
_LISTS = ("concat", "dash", "hls")
# Frames follow one another up to the end of the file.
_PLAIN_FORMATS = ("yuv4mpegpipe",)
# Codecs whose decoders fill damaged places and do not say so, unless they are told to be strict.
_CONCEALING = ("hevc", "mjpeg")
# Single pictures, of which FFmpeg makes up a rate of 25.
_PICTURE_FORMATS = ("_pipe", "image2", "ico")
# FFmpeg gives DV files 60000.
_HIGHEST_RATE = 10_000
_MICROSECONDS = 1_000_000


class VideoReader(Clip):
    """The frames of one video stream of a file.

    Args:
        path: of the file; the name may have any characters.
        stream: number of the stream, counting all streams of the file from 0; None for the first video.

    Raises:
        VideoError: if the file cannot be read or has no such video.
    """

    def __init__(self, path: str | Path, stream: int | None = None) -> None:
        super().__init__(path)
        self._chosen = stream
        self._layout = layout_of(self.path)
        self._fragments: Fragments | None = None
        with self._opened() as (container, video):
            self._read_header(container, video)

    def count(self, limit: int | None = None) -> int:
        """See `Clip`: the packets are counted, nothing is decoded."""
        count = 0
        with self._opened() as (container, video), suppress(pyav().error.FFmpegError):
            for packet in _packets(container, video):
                count += packet.size > 0 and not packet.is_discard
                if count == limit:
                    break
        return count

    def _frames(self) -> Iterator[TimedFrame]:
        given = 0
        try:
            for frame in self._passed(strictly=True):
                given += 1
                yield frame
        except _ConcealedError:
            self._note_damage("parts of it are missing")
            # What was given before the damage is decoded alike.
            yield from islice(self._passed(strictly=False), given, None)

    def _passed(self, strictly: bool) -> Iterator[TimedFrame]:
        """The frames in one pass through the file.

        Args:
            strictly: whether decoders that would conceal damage in silence raise `_ConcealedError` there.
        """
        with self._opened() as (container, video), closing(ContainerCheck(self.path)) as check:
            is_strict = strictly and video.codec_context.name in _CONCEALING
            if is_strict:
                video.codec_context.options = {"err_detect": "explode"}
            clock = _Clock(self._origin(container), self._rate(video))
            started = "matroska" not in container.format.name
            colours = StatedColours.of(video)
            pictures = DecodedPictures(self.path, video)
            for decoded in self._decoded(container, video, check, is_strict):
                # FFmpeg hides the times of Matroska's frames before zero.
                started |= decoded.pts is not None
                if not started:
                    continue
                time = clock.time_of(decoded) if self.has_times else None
                if time is None or time >= 0:
                    colours.apply(decoded)
                    duration = Fraction(decoded.duration or 0) * (decoded.time_base or 0)
                    yield TimedFrame(pictures.as_shown(decoded), time, duration or None)

    def _decoded(self, container: Any, video: Any, check: ContainerCheck, is_strict: bool) -> Iterator[Any]:
        """All frames that can be decoded; what cannot is noted in `damage`."""
        error_type = pyav().error.FFmpegError
        packets = _packets(container, video)
        cut = CutFrames.of(self._layout)
        slices = CodedSlices.of(video)
        last_end: int | None = None
        times = self._fragments.times if self._fragments else {}
        fault = ""  # of the packet before
        is_short = False  # whether the file ends within it
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                break
            except error_type as error:
                self._note_damage(error.strerror)
                break
            if fault and packet.size == 0:
                # The file ends within this packet. Frames that wait in the decoder have a hole before them.
                break
            fault = ""
            if packet.pos in times:
                packet.pts = times[packet.pos]
            if cut and not cut.add(packet):
                continue
            if packet.size:
                is_short = packet.is_corrupt
                last_end = None if packet.pos is None else packet.pos + packet.size
                is_odd = slices is not None and slices.are_damaged(bytes(packet))
                if is_odd or check.breaks_before(packet.pos):
                    self._note_damage("parts of it are missing")
            lost = cut.first_lost() if cut and packet.size == 0 else None
            try:
                for decoded in packet.decode():
                    if lost is not None and decoded.pts is not None and decoded.pts >= lost:
                        continue
                    if decoded.is_corrupt:
                        self._note_damage("parts of it are missing")
                    yield decoded
            except error_type as error:
                if is_strict:
                    raise _ConcealedError from None
                fault = error.strerror
                self._note_damage(fault)
        is_short |= container.format.name in _PLAIN_FORMATS and last_end not in (None, self._layout.size)
        if self._layout.missing:
            self._note_damage(f"the file is cut off: {self._layout.missing}")
        elif is_short:
            self._note_damage("the file is cut off within its last frame")
        elif check.breaks_before(None):
            self._note_damage("parts of it are missing")

    def _read_header(self, container: Any, video: Any) -> None:
        self.has_times: bool = not container.format.flags & _NO_TIMESTAMPS
        self._fragments = fragments_of(self.path, self._layout, video.id)
        is_picture = container.format.name.endswith(_PICTURE_FORMATS)
        rate = None if is_picture else self._rate(video)
        self.frames_per_second: float | None = (
            float(rate) if rate and self._states_rate(container, video) else None
        )
        self.time_base: Fraction = Fraction(video.time_base)
        self.expected_frames: int = self._fragments.count if self._fragments else int(video.frames or 0)
        if not self.expected_frames and container.duration and rate:
            self.expected_frames = round(container.duration * rate / _MICROSECONDS)

    def _states_rate(self, container: Any, video: Any) -> bool:
        """Whether the file states its rate; of a Matroska file without one FFmpeg makes a guess."""
        return "matroska" not in container.format.name or states_rate(self.path, video.index)

    def _rate(self, video: Any) -> Fraction | None:
        """Frames per second on average, None if it is unknown."""
        rate = self._fragments.rate if self._fragments else video.average_rate
        if rate and rate > _HIGHEST_RATE:
            rate = video.guessed_rate
        return None if not self.has_times or not rate else Fraction(rate)

    def _origin(self, container: Any) -> Fraction:
        """The file's time at which its presentation starts."""
        if container.format.name not in _ANY_START or container.start_time is None:
            return Fraction(0)
        return Fraction(container.start_time, _MICROSECONDS)

    @contextmanager
    def _opened(self) -> Iterator[tuple[Any, Any]]:
        av = pyav()
        try:
            container = av.open(self._address(), metadata_errors="replace")
        except FileNotFoundError:
            raise VideoError(f"there is no file {self.path}: check its name") from None
        except IsADirectoryError:
            raise VideoError(f"{self.path} is a folder: give a video file in it") from None
        except (OSError, ValueError, av.error.FFmpegError) as error:
            raise VideoError(self._unreadable(error)) from None
        with container:
            if container.format.name in _TEXT_FORMATS:
                raise VideoError(self._unreadable("it is text"))
            if container.format.name in _LISTS:
                raise VideoError(self._unreadable("it is a list of other files"))
            video = self._stream(container)
            if video.codec_context is None:  # which PyAV 17 would decode nevertheless, and crash
                raise VideoError(self._unreadable("its codec is unknown"))
            yield container, video

    def _address(self) -> str:
        """What FFmpeg opens: the file, or the beginning of one that was cut off.

        Without the protocol a name such as "12:30.mp4" would be taken for an address.
        """
        end = self._layout.readable_bytes
        return f"file:{self.path}" if end is None else f"subfile,,start,0,end,{end},,:file:{self.path}"

    def _unreadable(self, error: object) -> str:
        reason = getattr(error, "strerror", None) or error
        missing = self._layout.missing
        if self.path.is_file() and self._layout.size == 0:
            reason = "it is empty"
        if missing:
            return (
                f"{self.path} cannot be read as a video ({missing}): the download or recording broke off; "
                "get the whole file"
            )
        return f"{self.path} cannot be read as a video ({reason}): give a file such as MP4, WebM or MOV"

    def _stream(self, container: Any) -> Any:
        """The chosen stream, else the first video. A cover picture is none."""
        pictures = [video for video in container.streams.video if _is_cover(video)]
        videos = [video for video in container.streams.video if video not in pictures]
        if not videos:
            only = ": its only picture is a cover" if pictures else ""
            raise VideoError(f"{self.path} has no video stream{only}; give a file with a video")
        if self._chosen is None:
            return videos[0]
        for video in videos:
            if video.index == self._chosen:
                return video
        numbers = ", ".join(str(video.index) for video in videos)
        raise VideoError(f"{self.path} has no video in stream {self._chosen}: choose from {numbers}")


class _ConcealedError(Exception):
    """A decoder told to be strict has met damage."""


def _packets(container: Any, video: Any) -> Iterator[Any]:
    # PyAV stumbles, at the end, over streams that appear in the middle of a file.
    with suppress(IndexError):
        yield from container.demux(video)


class _Clock:
    """Times of frames, in order of presentation.

    Args:
        origin: what to subtract.
        rate: frames per second, by which frames without a time follow the one before; None if unknown.
    """

    def __init__(self, origin: Fraction, rate: Fraction | None) -> None:
        self._origin, self._rate = origin, rate
        self._last: Fraction | None = None
        self._step = 1 / rate if rate else Fraction(0)

    def time_of(self, decoded: Any) -> Fraction | None:
        """A frame's time in seconds; None if it has none and the file has no rate.

        Where the file's clock jumps back (recordings that were joined) the frame follows the one before it.
        """
        last = self._last
        if decoded.pts is not None:
            time = Fraction(decoded.pts) * Fraction(decoded.time_base) - self._origin
            if last is not None and time < last:
                self._origin -= last + self._step - time
                time = last + self._step
        elif self._rate is None:
            return None
        else:
            time = Fraction(0) if last is None else last + 1 / self._rate
        if last is not None and time > last:
            self._step = time - last
        self._last = time
        return time


def _is_cover(video: Any) -> bool:
    return bool(video.disposition & pyav().stream.Disposition.attached_pic)
