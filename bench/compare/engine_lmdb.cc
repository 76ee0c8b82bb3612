// LMDB with its default, fully synchronous commits. Content is copied out of the map into a reused
// buffer, because what is in the map is valid only as long as the read transaction.
#include <lmdb.h>

#include <cstring>
#include <string>

#include "compare/engine.h"
#include "compare/system.h"

namespace packstore::compare {

namespace {

constexpr std::size_t kMapBytes = std::size_t{64} << 30;

void require(int code) {
  if (code != MDB_SUCCESS) stop(std::string("LMDB: ") + mdb_strerror(code));
}

// LMDB's own interface takes what it only reads as void*, not const void*.
MDB_val value_of(ByteView bytes) { return {bytes.size(), const_cast<std::byte*>(bytes.data())}; }

class LmdbEngine final : public Engine {
 public:
  explicit LmdbEngine(const std::filesystem::path& directory) : directory_(directory) {
    std::filesystem::create_directories(directory);
    open();
  }
  LmdbEngine(const LmdbEngine&) = delete;
  LmdbEngine& operator=(const LmdbEngine&) = delete;
  ~LmdbEngine() override { close(); }

  void put_batch(std::span<const Object> objects) override {
    MDB_txn* transaction = begin_write();
    for (const Object& object : objects) put(transaction, object);
    require(mdb_txn_commit(transaction));
  }

  void put_single(const Object& object) override {
    MDB_txn* transaction = begin_write();
    put(transaction, object);
    require(mdb_txn_commit(transaction));
  }

  void get(const Key& key, Check check) override {
    require(mdb_txn_renew(reader_));
    copy_out(key, check);
    mdb_txn_reset(reader_);
  }

  void get_all(std::span<const Key> keys, Check check) override {
    require(mdb_txn_renew(reader_));
    for (const Key& key : keys) copy_out(key, check);
    mdb_txn_reset(reader_);
  }

  bool contains(const Key& key) override {
    require(mdb_txn_renew(reader_));
    MDB_val name = value_of(key.bytes);
    MDB_val value;
    const int code = mdb_get(reader_, database_, &name, &value);
    mdb_txn_reset(reader_);
    if (code != MDB_NOTFOUND) require(code);
    return code == MDB_SUCCESS;
  }

  bool remove_and_reclaim(std::span<const Key> keys) override {
    MDB_txn* transaction = begin_write();
    for (const Key& key : keys) {
      MDB_val name = value_of(key.bytes);
      require(mdb_del(transaction, database_, &name, nullptr));
    }
    require(mdb_txn_commit(transaction));
    // LMDB never shrinks its file; a compacting copy that takes its place is how space comes back.
    const std::filesystem::path copy = directory_ / "compact";
    std::filesystem::create_directory(copy);
    require(mdb_env_copy2(environment_, copy.c_str(), MDB_CP_COMPACT));
    close();
    std::filesystem::rename(copy / "data.mdb", directory_ / "data.mdb");
    open();
    require(mdb_env_sync(environment_, 1));
    Descriptor::open_directory(directory_).sync();
    return true;
  }

 private:
  void open() {
    require(mdb_env_create(&environment_));
    require(mdb_env_set_mapsize(environment_, kMapBytes));
    require(mdb_env_open(environment_, directory_.c_str(), MDB_NOTLS, 0600));
    MDB_txn* transaction = begin_write();
    require(mdb_dbi_open(transaction, nullptr, 0, &database_));
    require(mdb_txn_commit(transaction));
    require(mdb_txn_begin(environment_, nullptr, MDB_RDONLY, &reader_));
    mdb_txn_reset(reader_);
  }

  void close() {
    mdb_txn_abort(reader_);
    mdb_env_close(environment_);
  }

  MDB_txn* begin_write() {
    MDB_txn* transaction = nullptr;
    require(mdb_txn_begin(environment_, nullptr, 0, &transaction));
    return transaction;
  }

  void put(MDB_txn* transaction, const Object& object) {
    const Key key = sha256(object.content);
    MDB_val name = value_of(key.bytes);
    MDB_val value = value_of(object.content);
    require(mdb_put(transaction, database_, &name, &value, MDB_NOOVERWRITE));
  }

  void copy_out(const Key& key, Check check) {
    MDB_val name = value_of(key.bytes);
    MDB_val value;
    require(mdb_get(reader_, database_, &name, &value));
    if (buffer_.size() < value.mv_size) buffer_.resize(value.mv_size);
    std::memcpy(buffer_.data(), value.mv_data, value.mv_size);
    consume(key, ByteView(buffer_).first(value.mv_size), check);
  }

  std::filesystem::path directory_;
  MDB_env* environment_ = nullptr;
  MDB_txn* reader_ = nullptr;
  MDB_dbi database_ = 0;
  Bytes buffer_;
};

}  // namespace

std::unique_ptr<Engine> make_lmdb(const std::filesystem::path& directory) {
  return std::make_unique<LmdbEngine>(directory);
}

}  // namespace packstore::compare
