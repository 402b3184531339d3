#include "tests/crypto/vectors.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace coffer {
namespace {

// Tests run in the repository's root.
constexpr char kVectors[] = "tests/vectors";
constexpr char kWycheproof[] = "../shared/vectors/wycheproof";

Json Load(const std::filesystem::path& path) {
  std::ifstream stream(path);
  COFFER_CHECK(stream.good());
  return Json::parse(stream);
}

bool HasComposite(const Json& values) {
  return std::any_of(values.begin(), values.end(), [](const Json& value) { return value.at("type") == "composite"; });
}

Error NoRequest() { return {ErrorCode::kInvalidArgument, "no strong type holds this request"}; }

}  // namespace

Json LoadVectors(const std::string& name) { return Load(std::filesystem::path(kVectors) / name); }

Json LoadExternal(const std::string& algorithm) {
  const Json file = LoadVectors("external.json");
  for (const Json& group : file.at("groups")) {
    if (group.at("algorithm") == algorithm) return group.at("cases");
  }
  COFFER_CHECK(false);
  return {};
}

std::optional<Json> LoadWycheproof(const std::string& name) {
  const auto path = std::filesystem::path(kWycheproof) / name;
  if (!std::filesystem::exists(path)) return std::nullopt;
  return Load(path);
}

Bytes Hex(std::string_view hex) { return FromHex(hex).value(); }
Bytes HexOf(const Json& text) { return Hex(text.get<std::string>()); }
SecretBytes SecretOf(ByteView bytes) { return SecretBytes::CopyOf(bytes); }
std::uint64_t U64Of(const Json& decimal) { return std::stoull(decimal.get<std::string>()); }
std::string Revealed(const SecretBytes& secret) { return std::string(AsText(secret.Expose(SecretAccess::kTest))); }

std::string Utf8Of(std::uint32_t point) {
  const auto tail = [point](unsigned shift) { return static_cast<char>(0x80U | (point >> shift & 0x3FU)); };
  if (point < 0x80) return {static_cast<char>(point)};
  if (point < 0x800) return {static_cast<char>(0xC0U | point >> 6), tail(0)};
  if (point < 0x10000) return {static_cast<char>(0xE0U | point >> 12), tail(6), tail(0)};
  return {static_cast<char>(0xF0U | point >> 18), tail(12), tail(6), tail(0)};
}

void OwnedValues::Add(const Json& value) {
  const auto type = value.at("type").get<std::string>();
  if (type == "null") {
    views_.emplace_back(NullValue{});
    return;
  }
  const auto text = value.at("value").get<std::string>();
  if (type == "int64") {
    views_.emplace_back(std::int64_t{std::stoll(text)});
  } else if (type == "uuid") {
    views_.emplace_back(UuidOfHex<Uuid>(value.at("value")));
  } else if (type == "text") {
    views_.emplace_back(TextView{*storage_.emplace_back(std::make_unique<std::string>(text))});
  } else {
    COFFER_CHECK(type == "bytes");
    const Bytes bytes = Hex(text);
    views_.emplace_back(
        BytesView{AsBytes(*storage_.emplace_back(std::make_unique<std::string>(std::string(AsText(bytes)))))});
  }
}

OwnedValues OwnedValues::OfRow(const Json& value) {
  if (value.at("type") == "composite") return OfList(value.at("parts"));
  return OfList(Json::array({value}));
}

OwnedValues OwnedValues::OfList(const Json& values) {
  OwnedValues owned;
  for (const Json& value : values) owned.Add(value);
  return owned;
}

Result<Bytes> TryRowOf(const Json& row) {
  Bytes out;
  if (row.is_null()) return out;
  if (row.at("type") == "composite" && HasComposite(row.at("parts"))) return NoRequest();
  COFFER_TRY(EncodeRow(OwnedValues::OfRow(row).views(), out));
  return out;
}

Result<Bytes> TryContextOf(const Json& context) {
  Bytes out;
  if (context.is_null()) return out;
  Json values = Json::array();
  std::vector<std::string> names;
  for (const Json& item : context) {
    values.push_back(item.at("value"));
    names.push_back(item.at("column").get<std::string>());
  }
  if (HasComposite(values)) return NoRequest();
  const OwnedValues owned = OwnedValues::OfList(values);
  std::vector<BoundColumn> columns;
  for (std::size_t i = 0; i < names.size(); ++i) columns.push_back({names[i], owned.views()[i]});
  COFFER_TRY(EncodeContext(columns, out));
  return out;
}

Bytes RowOf(const Json& row) { return TryRowOf(row).value(); }
Bytes ContextOf(const Json& context) { return TryContextOf(context).value(); }

}  // namespace coffer
