#include "plugins/grafana/database/json_leaves.h"

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace coffer::grafana {
namespace {

constexpr std::string_view kCut = "...";
constexpr std::size_t kMaxKeyInPath = 64;

class LeafWalker final : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit LeafWalker(const OnJsonLeaf& on_leaf) : on_leaf_(on_leaf) {}

  bool too_deep() const { return too_deep_; }

  bool null() override {
    EnterValue();
    return true;
  }
  bool boolean(bool) override { return Leaf(false, {}); }
  bool number_integer(number_integer_t) override { return Leaf(false, {}); }
  bool number_unsigned(number_unsigned_t) override { return Leaf(false, {}); }
  bool number_float(number_float_t, const string_t&) override { return Leaf(false, {}); }
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
    const std::size_t end = CharacterEnd(name, kMaxKeyInPath);
    path_.append(name, 0, end);
    if (end < name.size()) path_ += kCut;
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

  bool Leaf(bool is_string, std::string_view text) {
    EnterValue();
    // The objects around, from the inside.
    std::string_view keys[2];
    std::size_t found = 0;
    for (auto frame = frames_.rbegin(); frame != frames_.rend() && found < 2; ++frame) {
      if (!frame->is_array) keys[found++] = frame->key;
    }
    std::string shown;
    std::string_view path = path_;
    if (path_.size() > kMaxJsonPath) {
      shown.assign(path_, 0, CharacterEnd(path_, kMaxJsonPath - kCut.size()));
      path = shown.append(kCut);
    }
    on_leaf_({path, keys[0], keys[1], frames_.size(), is_string, text});
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
  std::vector<Frame> frames_;
  std::string path_;
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

Status ForEachJsonLeaf(std::string_view json, const OnJsonLeaf& on_leaf) {
  LeafWalker walker(on_leaf);
  if (nlohmann::json::sax_parse(json, &walker)) return {};
  if (walker.too_deep())
    return Error(ErrorCode::kInvalidArgument, "is nested deeper than allowed").WithLimit(kMaxJsonDepth);
  return Error(ErrorCode::kInvalidArgument, "is not JSON");
}

}  // namespace coffer::grafana
