#include "plugins/grafana/cells/json_strings.h"

#include <set>

#include <nlohmann/json.hpp>

#include "plugins/grafana/database/characters.h"

namespace coffer::grafana {
namespace {

// Of the quote that ends the string whose content begins at `at`. In JSON a quote is a string's or behind a backslash.
std::size_t EndOfString(std::string_view json, std::size_t at) {
  while (at < json.size() && json[at] != '"') at += json[at] == '\\' ? 2 : 1;
  return at;
}

class DuplicateFinder final : public nlohmann::json_sax<nlohmann::json> {
 public:
  bool found() const { return found_; }

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override {
    keys_.emplace_back();
    return true;
  }
  bool end_object() override {
    keys_.pop_back();
    return true;
  }
  bool start_array(std::size_t) override { return true; }
  bool end_array() override { return true; }
  bool key(string_t& name) override {
    found_ = !keys_.back().insert(name).second;
    return !found_;
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override { return false; }

 private:
  std::vector<std::set<std::string>> keys_;  // of the objects around
  bool found_ = false;
};

}  // namespace

std::vector<JsonString> JsonStringValues(std::string_view json) {
  std::vector<JsonString> values;
  for (std::size_t at = json.find('"'); at < json.size(); at = json.find('"', at)) {
    const std::size_t begin = at + 1;
    const std::size_t end = EndOfString(json, begin);
    at = end + 1;
    const std::size_t next = json.find_first_not_of(kSpaces, at);
    const bool is_key = next != std::string_view::npos && json[next] == ':';
    if (!is_key) values.push_back({begin, end - begin});
  }
  return values;
}

bool HasDuplicateKeys(std::string_view json) {
  DuplicateFinder finder;
  nlohmann::json::sax_parse(json, &finder);
  return finder.found();
}

}  // namespace coffer::grafana
