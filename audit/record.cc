#include "audit/record.h"

#include <algorithm>
#include <chrono>
#include <limits>

#include "audit/cbor.h"
#include "crypto/cursor.h"

namespace coffer::audit {
namespace {

constexpr std::uint64_t kVersion = 1;
constexpr std::size_t kMaxWord = 64;
constexpr std::size_t kMaxText = 1'024;
constexpr std::size_t kMaxReasons = 16;
constexpr std::size_t kMaxPersonal = 16'384;

enum Key : std::uint8_t {
  kVersionKey = 0,
  kTime = 1,
  kId = 2,
  kType = 3,
  kAuthentication = 4,
  kRole = 5,
  kOperation = 6,
  kObject = 7,
  kTenant = 8,
  kKeys = 9,
  kCounts = 10,
  kReasons = 11,
  kRows = 12,
  kPurpose = 13,
  kRequestId = 14,
  kDecision = 15,
  kOutcome = 16,
  kFailure = 17,
  kStore = 18,
  kLatency = 19,
  kBegin = 20,
  kMonth = 21,
  kPersonal = 22,
};

std::string Cut(std::string_view text, std::size_t max) {
  if (text.size() <= max) return std::string(text);
  while (max > 0 && (static_cast<unsigned char>(text[max]) & 0xC0U) == 0x80U) --max;  // Not within a character.
  return std::string(text.substr(0, max));
}

// What a map's first byte can count, which is written last. The keys 0 to 22 use all of it: one more needs the longer
// head.
constexpr std::uint8_t kMaxPairs = 23;

// The pairs of a map whose values are not the default ones.
class Pairs {
 public:
  explicit Pairs(Bytes& out) : out_(out) { CborWriter(out_).Map(0); }
  ~Pairs() { out_.front() = static_cast<std::byte>(0xA0U | count_); }
  Pairs(const Pairs&) = delete;
  Pairs& operator=(const Pairs&) = delete;

  CborWriter Key(std::uint64_t key) {
    COFFER_CHECK(count_ < kMaxPairs);
    ++count_;
    return CborWriter(out_).Uint(key);
  }
  void Uint(std::uint64_t key, std::uint64_t value) {
    if (value != 0) Key(key).Uint(value);
  }
  void Text(std::uint64_t key, std::string_view value, std::size_t max) {
    if (!value.empty()) Key(key).Text(Cut(value, max));
  }

 private:
  Bytes& out_;
  std::uint8_t count_ = 0;
};

Bytes EncodePersonal(const Personal& personal) {
  Bytes out;
  Pairs pairs(out);
  pairs.Text(0, personal.principal, kMaxText);
  pairs.Text(1, personal.peer, kMaxText);
  pairs.Text(2, personal.on_behalf_of, kMaxText);
  pairs.Text(3, personal.reason, kMaxText);
  return out;
}

void WriteLists(const Record& record, Pairs& pairs) {
  if (!record.keys.empty()) {
    const std::size_t count = std::min(record.keys.size(), kMaxKeyIds);
    const std::uint64_t more = count < kMaxKeyIds ? 0 : record.keys.size() - count + record.more_keys;
    CborWriter keys = pairs.Key(kKeys).Array(count + (more > 0 ? 1 : 0));
    for (std::size_t i = 0; i < count; ++i) keys.Uint(record.keys[i]);
    if (more > 0) keys.Uint(more);
  }
  if (record.items != 0 || record.failed != 0 || record.unmatched != 0) {
    pairs.Key(kCounts).Array(3).Uint(record.items).Uint(record.failed).Uint(record.unmatched);
  }
  if (!record.reasons.empty()) {
    CborWriter reasons = pairs.Key(kReasons).Map(record.reasons.size());
    for (const auto& [reason, count] : record.reasons) reasons.Uint(static_cast<std::uint64_t>(reason)).Uint(count);
  }
  if (record.rows) {
    const std::size_t count = std::min(record.row_tags.size(), kMaxRowTags);
    CborWriter rows = pairs.Key(kRows).Array(count + 1).Byte(*record.rows);
    for (std::size_t i = 0; i < count; ++i) rows.Byte(record.row_tags[i]);
  }
}

void WriteOutcome(const Record& record, Pairs& pairs) {
  pairs.Key(kDecision).Array(3).Bool(record.allowed).Text(Cut(record.rule, kMaxWord)).Uint(record.policy_serial);
  pairs.Text(kOutcome, record.outcome, kMaxWord);
  pairs.Text(kFailure, record.failure, kMaxText);
  if (!record.store.IsZero()) pairs.Key(kStore).Array(2).Byte(record.store.bytes).Uint(record.store_epoch);
  pairs.Uint(kLatency, record.latency_us);
  if (record.begin) pairs.Key(kBegin).Uint(*record.begin);
}

bool IsType(std::uint64_t number) {
  return number >= static_cast<std::uint64_t>(RecordType::kCall) &&
         number <= static_cast<std::uint64_t>(RecordType::kUpkeep);
}

void ReadReasons(CborReader& in, Record& record) {
  const std::size_t pairs = in.Map(kMaxReasons);
  for (std::size_t i = 0; i < pairs && !in.failed(); ++i) {
    const std::uint64_t reason = in.Uint();
    if (reason < 1 || reason > static_cast<std::uint64_t>(ItemReason::kNoMatch)) return in.Fail();
    record.reasons[static_cast<ItemReason>(reason)] = in.Uint();
  }
}

template <typename Array>
void ReadFixed(CborReader& in, Array& out) {
  const ByteView bytes = in.Byte(out.size());
  if (bytes.size() != out.size()) return in.Fail();
  std::copy(bytes.begin(), bytes.end(), out.begin());
}

void ReadRows(CborReader& in, Record& record) {
  const std::size_t count = in.Array(kMaxRowTags + 1);
  if (count == 0) return in.Fail();
  ReadFixed(in, record.rows.emplace());
  record.row_tags.resize(count - 1);
  for (RowTag& tag : record.row_tags) ReadFixed(in, tag);
}

void ReadDecision(CborReader& in, Record& record) {
  if (in.Array(3) != 3) return in.Fail();
  record.allowed = in.Bool();
  record.rule = in.Text(kMaxWord);
  record.policy_serial = in.Uint();
}

void ReadCounts(CborReader& in, Record& record) {
  if (in.Array(3) != 3) return in.Fail();
  record.items = in.Uint();
  record.failed = in.Uint();
  record.unmatched = in.Uint();
}

void ReadKeys(CborReader& in, Record& record) {
  record.keys.resize(in.Array(kMaxKeyIds + 1));
  for (std::uint64_t& key : record.keys) key = in.Uint();
  if (record.keys.size() <= kMaxKeyIds) return;
  record.more_keys = record.keys.back();
  record.keys.pop_back();
}

void ReadTime(CborReader& in, Record& record) {
  const std::uint64_t time = in.Uint();
  if (time > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return in.Fail();
  record.time_us = static_cast<std::int64_t>(time);
}

// True for a key whose value is a text.
bool ReadText(std::uint64_t key, CborReader& in, Record& record) {
  switch (key) {
    case kRole:
      record.role = in.Text(kMaxWord);
      return true;
    case kOperation:
      record.operation = in.Text(kMaxWord);
      return true;
    case kObject:
      record.object = in.Text(kMaxNamesBytes);
      return true;
    case kTenant:
      record.tenant = in.Text(kMaxNamesBytes);
      return true;
    case kPurpose:
      record.purpose = in.Text(kMaxText);
      return true;
    case kRequestId:
      record.request_id = in.Text(kMaxText);
      return true;
    case kOutcome:
      record.outcome = in.Text(kMaxWord);
      return true;
    case kFailure:
      record.failure = in.Text(kMaxText);
      return true;
    default:
      return false;
  }
}

void ReadType(CborReader& in, Record& record) {
  const std::uint64_t type = in.Uint();
  if (!IsType(type)) return in.Fail();
  record.type = static_cast<RecordType>(type);
}

void ReadAuthentication(CborReader& in, Record& record) {
  const std::uint64_t number = in.Uint();
  if (number > static_cast<std::uint64_t>(Authentication::kToken)) return in.Fail();
  record.authentication = static_cast<Authentication>(number);
}

void ReadStore(CborReader& in, Record& record) {
  if (in.Array(2) != 2) return in.Fail();
  ReadFixed(in, record.store.bytes);
  record.store_epoch = in.Uint();
}

void ReadPair(std::uint64_t key, CborReader& in, EncodedRecord& out) {
  Record& record = out.record;
  if (ReadText(key, in, record)) return;
  switch (key) {
    case kVersionKey:
      if (in.Uint() != kVersion) in.Fail();
      return;
    case kTime:
      return ReadTime(in, record);
    case kId:
      return ReadFixed(in, record.id);
    case kType:
      return ReadType(in, record);
    case kAuthentication:
      return ReadAuthentication(in, record);
    case kKeys:
      return ReadKeys(in, record);
    case kCounts:
      return ReadCounts(in, record);
    case kReasons:
      return ReadReasons(in, record);
    case kRows:
      return ReadRows(in, record);
    case kDecision:
      return ReadDecision(in, record);
    case kStore:
      return ReadStore(in, record);
    case kLatency:
      record.latency_us = in.Uint();
      return;
    case kBegin:
      record.begin = in.Uint();
      return;
    case kMonth:
      out.month = static_cast<Month>(std::min<std::uint64_t>(in.Uint(), std::numeric_limits<Month>::max()));
      return;
    case kPersonal:
      out.personal = CopyOf(in.Byte(kMaxPersonal));
      return;
    default:
      return in.Fail();
  }
}

void Write(const Record& record, Month month, ByteView personal, Bytes& out) {
  Pairs pairs(out);
  pairs.Key(kVersionKey).Uint(kVersion);
  pairs.Key(kTime).Uint(static_cast<std::uint64_t>(std::max(record.time_us, kLeastRecordTime)));
  pairs.Key(kId).Byte(record.id);
  pairs.Key(kType).Uint(static_cast<std::uint64_t>(record.type));
  pairs.Uint(kAuthentication, static_cast<std::uint64_t>(record.authentication));
  pairs.Text(kRole, record.role, kMaxWord);
  pairs.Text(kOperation, record.operation, kMaxWord);
  pairs.Text(kObject, record.object, kMaxNamesBytes);
  pairs.Text(kTenant, record.tenant, kMaxNamesBytes);
  WriteLists(record, pairs);
  pairs.Text(kPurpose, record.purpose, kMaxText);
  pairs.Text(kRequestId, record.request_id, kMaxText);
  WriteOutcome(record, pairs);
  pairs.Uint(kMonth, month);
  if (!personal.empty()) pairs.Key(kPersonal).Byte(personal);
}

}  // namespace

std::string_view AuthenticationName(Authentication authentication) {
  switch (authentication) {
    case Authentication::kNone:
      return "none";
    case Authentication::kUnixSocket:
      return "unix_socket";
    case Authentication::kCertificate:
      return "certificate";
    case Authentication::kService:
      return "service";
    case Authentication::kJwt:
      return "jwt";
    case Authentication::kToken:
      return "access_token";
  }
  return "";
}

std::string_view ItemReasonName(ItemReason reason) {
  switch (reason) {
    case ItemReason::kMalformed:
      return "malformed";
    case ItemReason::kUnknownKey:
      return "unknown_key";
    case ItemReason::kOtherForm:
      return "other_form";
    case ItemReason::kKeyDisabled:
      return "key_disabled";
    case ItemReason::kNotAuthentic:
      return "not_authentic";
    case ItemReason::kOtherBinding:
      return "other_binding";
    case ItemReason::kNoMatch:
      return "no_match";
  }
  return "";
}

// Days to a civil date: H. Hinnant, "chrono-compatible low-level date algorithms".
Month MonthOf(std::int64_t unix_us) {
  constexpr std::int64_t kMicrosPerDay = 86'400'000'000;
  const std::int64_t days = std::max<std::int64_t>(unix_us, 0) / kMicrosPerDay + 719'468;  // since 0000-03-01
  const std::int64_t era = days / 146'097;
  const std::int64_t day_of_era = days % 146'097;
  const std::int64_t year_of_era = (day_of_era - day_of_era / 1'460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const std::int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int64_t shifted = (5 * day_of_year + 2) / 153;  // months since March
  const std::int64_t month = shifted < 10 ? shifted + 3 : shifted - 9;
  const std::int64_t year = year_of_era + era * 400 + (month <= 2 ? 1 : 0);
  return static_cast<Month>(year * 100 + month);
}

std::int64_t EndOfMonth(Month month) {
  namespace chrono = std::chrono;
  const chrono::year_month next =
      chrono::year_month(chrono::year(static_cast<int>(month / 100)), chrono::month(month % 100)) + chrono::months(1);
  return chrono::microseconds(chrono::sys_days(next / 1).time_since_epoch()).count();
}

Result<Bytes> EncodeRecord(const Record& record, const AuditKey* key) {
  if (record.object.size() > kMaxNamesBytes || record.tenant.size() > kMaxNamesBytes) {
    return Error(ErrorCode::kInvalidArgument, "names more than an audit record holds").WithLimit(kMaxNamesBytes);
  }
  Bytes personal;
  if (key != nullptr) {
    COFFER_ASSIGN_OR_RETURN(personal, key->Encrypt(EncodePersonal(record.personal), record.id));
  }
  Bytes out;
  out.reserve(512);
  Write(record, MonthOf(record.time_us), personal, out);
  return out;
}

Result<EncodedRecord> DecodeRecord(ByteView bytes) {
  const Error not_one(ErrorCode::kInvalidArgument, "is not an audit record");
  EncodedRecord decoded;
  CborReader in(bytes);
  const std::size_t pairs = in.Map(kPersonal + 1);
  for (std::size_t i = 0; i < pairs && !in.failed(); ++i) ReadPair(in.Uint(), in, decoded);
  if (!in.Finish() || bytes.size() > kMaxRecordBytes) return not_one;
  // Ascending keys, no default values, nothing twice: whatever it is, it must be what we would write.
  Bytes again;
  Write(decoded.record, decoded.month, decoded.personal, again);
  if (!std::equal(again.begin(), again.end(), bytes.begin(), bytes.end())) return not_one;
  return decoded;
}

Result<Personal> DecryptPersonal(const EncodedRecord& encoded, const AuditKey& key) {
  COFFER_ASSIGN_OR_RETURN(const SecretBytes plain, key.Decrypt(encoded.personal, encoded.record.id));
  CborReader in(plain.Expose(SecretAccess::kReply));
  Personal personal;
  std::array<std::string*, 4> places{&personal.principal, &personal.peer, &personal.on_behalf_of, &personal.reason};
  const std::size_t pairs = in.Map(places.size());
  for (std::size_t i = 0; i < pairs && !in.failed(); ++i) {
    const std::uint64_t place = in.Uint();
    if (place >= places.size()) break;
    *places[place] = in.Text(kMaxText);
  }
  if (!in.Finish()) return Error(ErrorCode::kDecryptFailed, "the personal part of an audit record is none");
  return personal;
}

}  // namespace coffer::audit
