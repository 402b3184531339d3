#include "policy/internal/strict_json.h"

#include <algorithm>
#include <optional>
#include <vector>

namespace coffer::policy {
namespace {

using nlohmann::json;

// Builds the tree as the library reads, which stops at the first false.
class ObjectBuilder final : public nlohmann::json_sax<json> {
 public:
  explicit ObjectBuilder(ErrorCode refusal) : refusal_(refusal) {}

  Result<json> Take(bool read) && {
    if (error_) return *std::move(error_);
    if (!read || !root_.is_object()) return Error(refusal_, "is not a JSON object");
    return std::move(root_);
  }

  bool null() override { return Put(nullptr); }
  bool boolean(bool value) override { return Put(value); }
  bool number_integer(number_integer_t value) override { return Put(value); }
  bool number_unsigned(number_unsigned_t value) override { return Put(value); }
  bool number_float(number_float_t value, const string_t&) override { return Put(value); }
  bool string(string_t& value) override { return Put(std::move(value)); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return Open(json::object()); }
  bool start_array(std::size_t) override { return Open(json::array()); }
  bool end_object() override { return Close(); }
  bool end_array() override { return Close(); }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override { return false; }

  bool key(string_t& name) override {
    if (open_.back()->contains(name)) return Refuse(Error(refusal_, "gives a key twice"));
    key_ = std::move(name);
    return true;
  }

 private:
  bool Refuse(Error error) {
    error_ = std::move(error);
    return false;
  }

  bool Put(json value) {
    place_ = &root_;
    if (!open_.empty()) {
      json& parent = *open_.back();
      if (parent.is_array()) {
        parent.push_back(std::move(value));
        place_ = &parent.back();
        return true;
      }
      place_ = &parent[key_];
    }
    *place_ = std::move(value);
    return true;
  }

  // Until it is closed, what holds it does not grow: the pointer stays good.
  bool Open(json empty) {
    if (open_.size() == kMaxJsonDepth) {
      return Refuse(Error(refusal_, "is nested more deeply than allowed").WithLimit(kMaxJsonDepth));
    }
    Put(std::move(empty));
    open_.push_back(place_);
    return true;
  }

  bool Close() {
    open_.pop_back();
    return true;
  }

  ErrorCode refusal_;
  json root_;
  std::vector<json*> open_;
  json* place_ = nullptr;
  std::string key_;
  std::optional<Error> error_;
};

}  // namespace

Result<json> ParseJsonObject(std::string_view text, ErrorCode refusal) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.starts_with(kByteOrderMark) || text.find('\0') != std::string_view::npos) {
    return Error(refusal, "is not a JSON object");
  }
  ObjectBuilder builder(refusal);
  const bool read = json::sax_parse(text.begin(), text.end(), &builder);
  return std::move(builder).Take(read);
}

const json* FindMember(const json& object, const char* name) {
  const auto found = object.find(name);
  return found == object.end() ? nullptr : &*found;
}

const std::string* FindText(const json& object, const char* name) {
  const json* const member = FindMember(object, name);
  return member == nullptr ? nullptr : member->get_ptr<const std::string*>();
}

bool IsVisibleAscii(std::string_view text, std::size_t max) {
  return !text.empty() && text.size() <= max &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

}  // namespace coffer::policy
