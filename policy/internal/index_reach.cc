#include "policy/internal/index_reach.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace coffer::policy {
namespace {

constexpr double kNoLimit = std::numeric_limits<double>::infinity();
constexpr double kDigits = 10;
constexpr double kCharacters = 64;

// What is known of a text after some of its transforms.
struct Reach {
  double values = kNoLimit;
  double length = kNoLimit;  // code points
  double alphabet = kCharacters;
  bool plus = false;  // begins with the + of e164, which tells nothing

  // The different texts of `size` code points at its beginning, or at its end.
  double At(double size, bool at_start) const {
    const double fixed = plus && at_start ? 1 : 0;
    return std::min(values, std::pow(alphabet, std::max(0.0, std::min(size, length) - fixed)));
  }
};

void Cut(Reach& reach, double size, bool at_start) {
  reach.values = reach.At(size, at_start);
  reach.length = std::min(reach.length, size);
  reach.plus = reach.plus && at_start;
}

Reach After(const std::vector<Transform>& transforms) {
  Reach reach;
  for (const Transform& step : transforms) {
    switch (step.kind) {
      case TransformKind::kTrim:
      case TransformKind::kAsciiCasefold:
      case TransformKind::kEmailLocal:
      case TransformKind::kEmailDomain:
      case TransformKind::kEmailStripPlus:
        break;
      case TransformKind::kNfkcCasefold:
        if (reach.alphabet != kDigits) reach.length = kNoLimit;  // one code point may become several
        break;
      case TransformKind::kDigits:
        reach.alphabet = kDigits;
        reach.plus = false;
        reach.values = reach.At(reach.length, true);
        break;
      case TransformKind::kE164:
        reach.alphabet = kDigits;
        reach.length = kNoLimit;  // a country code may come in front
        reach.plus = true;
        break;
      case TransformKind::kFirst:
      case TransformKind::kLast:
        Cut(reach, step.parameter, step.kind == TransformKind::kFirst);
        break;
    }
  }
  return reach;
}

}  // namespace

double MostValues(const IndexedValue& value) { return After(value.transforms).values; }

double MostValues(const IndexDefinition& definition) {
  if (definition.form.domain) {
    return static_cast<double>(definition.form.domain->max - definition.form.domain->min) + 1;
  }
  double most = 1;
  for (const IndexedValue& value : definition.values) most *= MostValues(value);
  return most;
}

double MostBeginnings(const IndexDefinition& definition) {
  if (definition.form.kind != IndexKind::kPrefix) return kNoLimit;
  return After(definition.values.front().transforms).At(definition.form.lengths.front(), true);
}

}  // namespace coffer::policy
