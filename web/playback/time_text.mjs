/**
 * Positions in a file as texts.
 * @module
 */

/**
 * Minutes, seconds and milliseconds, after an hour with hours: `1:02:03.004`.
 * @param {number} seconds any number; a dash stands for one that is not finite
 */
export function timeText(seconds) {
  const milliseconds = Math.round(Math.abs(seconds) * 1000);
  if (!Number.isFinite(milliseconds)) return "–";
  const [hours, minutes] = [Math.floor(milliseconds / 3_600_000), Math.floor(milliseconds / 60_000) % 60];
  const rest = ((milliseconds % 60_000) / 1000).toFixed(3).padStart(6, "0");
  const sign = seconds < 0 && milliseconds > 0 ? "−" : "";
  return hours > 0
    ? `${sign}${hours}:${String(minutes).padStart(2, "0")}:${rest}`
    : `${sign}${minutes}:${rest}`;
}
