#include "plugins/grafana/database/json_leaves.h"

#include <bitset>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace coffer::grafana {
namespace {

constexpr std::string_view kCut = "...";
constexpr std::size_t kMaxKeyInPath = 64;

// Most keys are short names, in which FindMisplaced finds nothing: what has no mark of a URL or a setting is a token,
// and longer.
bool MayHoldSecret(std::string_view name) {
  constexpr std::size_t kShortestToken = 12;
  return name.size() >= kShortestToken || name.find_first_of(":=@") != std::string_view::npos;
}

class LeafWalker final : public nlohmann::json_sax<nlohmann::json> {
 public:
  LeafWalker(const OnJsonLeaf& on_leaf, const OnMisplaced& on_key) : on_leaf_(on_leaf), on_key_(on_key) {}

  bool too_deep() const { return too_deep_; }

  bool null() override {
    EnterValue();
    return true;
  }
  bool boolean(bool) override { return Leaf(false, {}); }
  bool number_integer(number_integer_t number) override { return Leaf(false, std::to_string(number)); }
  bool number_unsigned(number_unsigned_t number) override { return Leaf(false, std::to_string(number)); }
  bool number_float(number_float_t, const string_t& text) override { return Leaf(false, text); }
  bool string(string_t& text) override { return Leaf(true, text); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return Start(false); }
  bool start_array(std::size_t) override { return Start(true); }
  bool end_object() override { return End(); }
  bool end_array() override { return End(); }
  bool key(string_t& name) override {
    Frame& frame = frames_.back();
    path_.resize(frame.path_size);
    if (!path_.empty()) path_ += '.';
    const std::bitset<kMisplacedKinds> kinds = KindsIn(name);
    if (kinds.any()) {
      path_ += kHiddenKey;
      GiveKey(kinds);
    } else {
      const std::size_t end = CharacterEnd(name, kMaxKeyInPath);
      path_.append(name, 0, end);
      if (end < name.size()) path_ += kCut;
    }
    frame.key = name;
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override { return false; }

 private:
  struct Frame {
    bool is_array = false;
    std::size_t next = 0;       // of an array
    std::size_t path_size = 0;  // of the path to it
    std::string key;            // of an object: the last one
  };

  // Puts an array's index into the path.
  void EnterValue() {
    if (frames_.empty() || !frames_.back().is_array) return;
    Frame& frame = frames_.back();
    path_.resize(frame.path_size);
    path_ += '[' + std::to_string(frame.next++) + ']';
  }

  static std::bitset<kMisplacedKinds> KindsIn(std::string_view name) {
    std::bitset<kMisplacedKinds> kinds;
    if (!MayHoldSecret(name)) return kinds;
    FindMisplaced(name, [&kinds](MisplacedKind kind) { kinds.set(static_cast<std::size_t>(kind)); });
    return kinds;
  }

  void GiveKey(const std::bitset<kMisplacedKinds>& kinds) {
    if (!on_key_) return;
    for (std::size_t kind = 0; kind < kinds.size(); ++kind) {
      if (kinds.test(kind)) on_key_(ShownPath(), static_cast<MisplacedKind>(kind));
    }
  }

  // Valid until the next call.
  std::string_view ShownPath() {
    if (path_.size() <= kMaxJsonPath) return path_;
    shown_.assign(path_, 0, CharacterEnd(path_, kMaxJsonPath - kCut.size()));
    return shown_.append(kCut);
  }

  bool Leaf(bool is_string, std::string_view text) {
    EnterValue();
    // The objects around, from the inside.
    std::string_view keys[2];
    std::size_t found = 0;
    for (auto frame = frames_.rbegin(); frame != frames_.rend() && found < 2; ++frame) {
      if (!frame->is_array) keys[found++] = frame->key;
    }
    on_leaf_({ShownPath(), keys[0], keys[1], frames_.size(), is_string, text});
    return true;
  }

  bool Start(bool is_array) {
    EnterValue();
    too_deep_ = frames_.size() == kMaxJsonDepth;
    if (too_deep_) return false;
    frames_.push_back({is_array, 0, path_.size(), {}});
    return true;
  }

  bool End() {
    path_.resize(frames_.back().path_size);
    frames_.pop_back();
    return true;
  }

  const OnJsonLeaf& on_leaf_;
  const OnMisplaced& on_key_;
  std::vector<Frame> frames_;
  std::string path_;
  std::string shown_;
  bool too_deep_ = false;
};

}  // namespace

std::size_t CharacterEnd(std::string_view text, std::size_t size) {
  if (text.size() <= size) return text.size();
  constexpr unsigned kTopBits = 0xC0;
  constexpr unsigned kContinuation = 0x80;
  while (size > 0 && (static_cast<unsigned char>(text[size]) & kTopBits) == kContinuation) --size;
  return size;
}

Status ForEachJsonLeaf(std::string_view json, const OnJsonLeaf& on_leaf, const OnMisplaced& on_key) {
  LeafWalker walker(on_leaf, on_key);
  if (nlohmann::json::sax_parse(json, &walker)) return {};
  if (walker.too_deep())
    return Error(ErrorCode::kInvalidArgument, "is nested deeper than allowed").WithLimit(kMaxJsonDepth);
  return Error(ErrorCode::kInvalidArgument, "is not JSON");
}

}  // namespace coffer::grafana
