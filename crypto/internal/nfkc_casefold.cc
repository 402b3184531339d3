#include "crypto/internal/nfkc_casefold.h"

#include <algorithm>
#include <array>

#include <utf8proc.h>

namespace coffer::internal {
namespace {

using CodePoints = WipedVector<utf8proc_int32_t>;

constexpr utf8proc_option_t operator|(utf8proc_option_t a, utf8proc_option_t b) {
  return static_cast<utf8proc_option_t>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}

constexpr utf8proc_option_t kDecompose = UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | UTF8PROC_REJECTNA;
constexpr utf8proc_option_t kFold =
    UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD | UTF8PROC_IGNORE | UTF8PROC_REJECTNA;
constexpr utf8proc_option_t kCompose = UTF8PROC_STABLE | UTF8PROC_COMPOSE;
// The longest decomposition has 18 code points (U+FDFA).
constexpr std::size_t kMaxDecomposition = 32;

Error TooLong(std::size_t max_bytes) {
  return Error(ErrorCode::kInvalidArgument, "the text is too long for an index, in bytes").WithLimit(max_bytes);
}

bool IsAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80U; });
}

// Of ASCII text only the capitals change: it has nothing to decompose and no default ignorable.
WipedVector<char> LowerAscii(std::string_view text) {
  WipedVector<char> lower(text.begin(), text.end());
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

// Appends what one code point becomes.
Status Append(utf8proc_int32_t point, utf8proc_option_t options, std::size_t max_points, CodePoints& out) {
  std::array<utf8proc_int32_t, kMaxDecomposition> piece{};
  int boundary = 0;
  const utf8proc_ssize_t size =
      utf8proc_decompose_char(point, piece.data(), static_cast<utf8proc_ssize_t>(piece.size()), options, &boundary);
  if (size == UTF8PROC_ERROR_NOTASSIGNED) {
    return Error(ErrorCode::kInvalidArgument, "the text has a code point that this Unicode version does not assign");
  }
  COFFER_CHECK(size >= 0 && static_cast<std::size_t>(size) <= piece.size());
  out.insert(out.end(), piece.begin(), piece.begin() + size);
  Wipe(std::as_writable_bytes(std::span(piece)));
  if (out.size() > max_points) return TooLong(max_points);
  return {};
}

Status Decompose(std::string_view text, std::size_t max_points, CodePoints& out) {
  const ByteView bytes = AsBytes(text);
  out.reserve(bytes.size());
  for (std::size_t at = 0; at < bytes.size();) {
    utf8proc_int32_t point = 0;
    const auto rest = static_cast<utf8proc_ssize_t>(bytes.size() - at);
    const utf8proc_ssize_t used = utf8proc_iterate(AsUnsigned(bytes.subspan(at)), rest, &point);
    COFFER_CHECK(used > 0);
    at += static_cast<std::size_t>(used);
    COFFER_TRY(Append(point, kDecompose, max_points, out));
  }
  return {};
}

std::uint64_t CombiningClass(utf8proc_int32_t point) {
  return static_cast<std::uint64_t>(utf8proc_get_property(point)->combining_class);
}

// Sorts each run of combining marks by class, and keeps the order within a class (UAX 15, D109). std::stable_sort would
// take memory that nobody wipes, so a mark is sorted with its place in the run.
void OrderCanonically(CodePoints& points) {
  constexpr unsigned kPointBits = 21;
  constexpr unsigned kPlaceBits = 35;
  constexpr std::uint64_t kPointMask = (std::uint64_t{1} << kPointBits) - 1;
  WipedVector<std::uint64_t> run;
  for (std::size_t start = 0; start < points.size(); ++start) {
    run.clear();
    for (std::size_t i = start; i < points.size() && CombiningClass(points[i]) != 0; ++i) {
      run.push_back(CombiningClass(points[i]) << (kPlaceBits + kPointBits) | std::uint64_t{i - start} << kPointBits |
                    static_cast<std::uint64_t>(points[i]));
    }
    if (run.size() > 1) {
      std::sort(run.begin(), run.end());
      for (std::size_t i = 0; i < run.size(); ++i) {
        points[start + i] = static_cast<utf8proc_int32_t>(run[i] & kPointMask);
      }
    }
    start += run.size();
  }
}

Result<WipedVector<char>> Encode(const CodePoints& points, std::size_t max_bytes) {
  WipedVector<char> text;
  text.reserve(points.size());
  for (utf8proc_int32_t point : points) {
    std::array<utf8proc_uint8_t, 4> bytes{};
    const utf8proc_ssize_t size = utf8proc_encode_char(point, bytes.data());
    COFFER_CHECK(size > 0);
    for (std::size_t i = 0; i < static_cast<std::size_t>(size); ++i) text.push_back(static_cast<char>(bytes[i]));
    if (text.size() > max_bytes) return TooLong(max_bytes);
  }
  return text;
}

}  // namespace

Result<WipedVector<char>> NfkcCasefold(std::string_view text, std::size_t max_bytes) {
  if (IsAscii(text)) {
    if (text.size() > max_bytes) return TooLong(max_bytes);
    return LowerAscii(text);
  }
  // Composing takes away less than three of four code points, so more than that cannot fit.
  const std::size_t max_points = 4 * max_bytes;
  CodePoints decomposed;
  COFFER_TRY(Decompose(text, max_points, decomposed));
  OrderCanonically(decomposed);
  CodePoints points;
  points.reserve(decomposed.size());
  for (const utf8proc_int32_t point : decomposed) COFFER_TRY(Append(point, kFold, max_points, points));
  OrderCanonically(points);
  const utf8proc_ssize_t composed =
      utf8proc_normalize_utf32(points.data(), static_cast<utf8proc_ssize_t>(points.size()), kCompose);
  COFFER_CHECK(composed >= 0);
  points.resize(static_cast<std::size_t>(composed));
  return Encode(points, max_bytes);
}

}  // namespace coffer::internal
