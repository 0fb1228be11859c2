;; Arithmetic on the pixels of two frames, 16 bytes at a time, in Pyodide's own memory.
;;
;; py/autogaze_web/frames/pixel_kernels.py says what each function computes, does the same with NumPy and is what
;; they are tested against; py/autogaze_web/page/simd_kernels.py calls them with the addresses of NumPy arrays.
;;
;; Common parameters:
;;   $height, $stride   rows of a frame, and the bytes of a row: a multiple of 8
;;   $flags             one byte for each block of 16 rows x 128 bytes, row by row; not 0 means that it counts
;; Addresses are unsigned. A row's last block may have fewer bytes; its last 8 are a vector of their own.
(module
  (import "python" "memory" (memory 1))

  ;; Sets the flag, 0 before, of each block in which the frames differ.
  (func (export "changed_blocks")
    (param $previous i32) (param $current i32) (param $height i32) (param $stride i32) (param $flags i32)
    (local $apart i32) ;; from a byte of `previous` to that of `current`
    (local $y i32) (local $flag i32) (local $row_end i32) (local $at i32) (local $block_end i32)
    (local $vectors_end i32) (local $differs v128) (local $every_flag i32) (local $skipped i32)
    (local.set $apart (i32.sub (local.get $current) (local.get $previous)))
    (local.set $at (local.get $previous))
    (loop $rows
      (local.set $every_flag (i32.const 1))
      (local.set $row_end (i32.add (local.get $at) (local.get $stride)))
      (local.set $flag
        (i32.add
          (local.get $flags)
          (i32.mul
            (i32.shr_u (local.get $y) (i32.const 4))
            (i32.shr_u (i32.add (local.get $stride) (i32.const 127)) (i32.const 7)))))
      (loop $blocks
        (local.set $block_end (i32.add (local.get $at) (i32.const 128)))
        (if (i32.gt_u (local.get $block_end) (local.get $row_end))
          (then (local.set $block_end (local.get $row_end))))
        (if (i32.eqz (i32.load8_u (local.get $flag)))
          (then
            (local.set $vectors_end (i32.sub (local.get $block_end) (i32.const 16)))
            (local.set $differs (v128.const i64x2 0 0))
            (block $no_more
              (loop $vectors
                (br_if $no_more (i32.gt_u (local.get $at) (local.get $vectors_end)))
                (local.set $differs
                  (v128.or
                    (local.get $differs)
                    (v128.xor
                      (v128.load align=8 (local.get $at))
                      (v128.load align=8 (i32.add (local.get $at) (local.get $apart))))))
                (local.set $at (i32.add (local.get $at) (i32.const 16)))
                (br $vectors)))
            (if (i32.ne (local.get $at) (local.get $block_end))
              (then
                (local.set $differs
                  (v128.or
                    (local.get $differs)
                    (v128.xor
                      (v128.load64_zero (local.get $at))
                      (v128.load64_zero (i32.add (local.get $at) (local.get $apart))))))))
            (i32.store8 (local.get $flag) (v128.any_true (local.get $differs)))))
        (local.set $every_flag (i32.and (local.get $every_flag) (i32.load8_u (local.get $flag))))
        (local.set $at (local.get $block_end))
        (local.set $flag (i32.add (local.get $flag) (i32.const 1)))
        (br_if $blocks (i32.ne (local.get $at) (local.get $row_end))))
      (if (local.get $every_flag) ;; what remains of these blocks says nothing more
        (then
          (local.set $skipped (i32.sub (i32.const 15) (i32.and (local.get $y) (i32.const 15))))
          (local.set $y (i32.add (local.get $y) (local.get $skipped)))
          (local.set $at (i32.add (local.get $at) (i32.mul (local.get $skipped) (local.get $stride))))))
      (local.set $y (i32.add (local.get $y) (i32.const 1)))
      (br_if $rows (i32.lt_u (local.get $y) (local.get $height)))))

  ;; Writes the squared error of each flagged block: 8 bytes of $errors for each block. Rows are read four
  ;; at a time, side by side: the memory delivers them in less time than one after the other.
  (func (export "squared_errors")
    (param $a i32) (param $b i32) (param $height i32) (param $stride i32) (param $flags i32) (param $errors i32)
    (local $apart i32) ;; from a byte of `a` to that of `b`
    (local $left i32) (local $bytes i32) (local $rows i32) (local $row i32) (local $side_by_side i32)
    (local $column i32) (local $columns_end i32) (local $at i32) (local $end i32)
    (local $x v128) (local $y v128) (local $difference v128) (local $half v128) (local $sums v128)
    (local $colours v128)
    (local.set $colours (v128.const i32x4 0x00ffffff 0x00ffffff 0x00ffffff 0x00ffffff)) ;; without alpha
    (local.set $apart (i32.sub (local.get $b) (local.get $a)))
    (loop $block_rows
      (local.set $rows (local.get $height))
      (if (i32.gt_u (local.get $rows) (i32.const 16)) (then (local.set $rows (i32.const 16))))
      (local.set $left (i32.const 0))
      (loop $blocks
        (if (i32.load8_u (local.get $flags))
          (then
            (local.set $bytes (i32.sub (local.get $stride) (local.get $left)))
            (if (i32.gt_u (local.get $bytes) (i32.const 128)) (then (local.set $bytes (i32.const 128))))
            (local.set $sums (v128.const i64x2 0 0))
            (local.set $row (i32.const 0))
            (loop $rows_of_block
              (local.set $side_by_side (i32.sub (local.get $rows) (local.get $row)))
              (if (i32.gt_u (local.get $side_by_side) (i32.const 4))
                (then (local.set $side_by_side (i32.const 4))))
              (local.set $column
                (i32.add
                  (i32.add (local.get $a) (local.get $left))
                  (i32.mul (local.get $row) (local.get $stride))))
              (local.set $row (i32.add (local.get $row) (local.get $side_by_side)))
              (local.set $side_by_side (i32.mul (local.get $side_by_side) (local.get $stride)))
              (local.set $columns_end (i32.add (local.get $column) (i32.and (local.get $bytes) (i32.const -16))))
              (block $no_more
                (loop $columns
                  (br_if $no_more (i32.eq (local.get $column) (local.get $columns_end)))
                  (local.set $at (local.get $column))
                  (local.set $end (i32.add (local.get $at) (local.get $side_by_side)))
                  (loop $vectors
                    (local.set $x (v128.load align=8 (local.get $at)))
                    (local.set $y (v128.load align=8 (i32.add (local.get $at) (local.get $apart))))
                    (local.set $difference
                      (v128.and
                        (local.get $colours)
                        (v128.or
                          (i8x16.sub_sat_u (local.get $x) (local.get $y))
                          (i8x16.sub_sat_u (local.get $y) (local.get $x)))))
                    (local.set $half (i16x8.extend_low_i8x16_u (local.get $difference)))
                    (local.set $sums
                      (i32x4.add (local.get $sums) (i32x4.dot_i16x8_s (local.get $half) (local.get $half))))
                    (local.set $half (i16x8.extend_high_i8x16_u (local.get $difference)))
                    (local.set $sums
                      (i32x4.add (local.get $sums) (i32x4.dot_i16x8_s (local.get $half) (local.get $half))))
                    (local.set $at (i32.add (local.get $at) (local.get $stride)))
                    (br_if $vectors (i32.ne (local.get $at) (local.get $end))))
                  (local.set $column (i32.add (local.get $column) (i32.const 16)))
                  (br $columns)))
              (if (i32.and (local.get $bytes) (i32.const 8))
                (then
                  (local.set $at (local.get $column))
                  (local.set $end (i32.add (local.get $at) (local.get $side_by_side)))
                  (loop $halves
                    (local.set $half
                      (i16x8.extend_low_i8x16_u
                        (call $difference
                          (v128.load64_zero (local.get $at))
                          (v128.load64_zero (i32.add (local.get $at) (local.get $apart))))))
                    (local.set $sums
                      (i32x4.add (local.get $sums) (i32x4.dot_i16x8_s (local.get $half) (local.get $half))))
                    (local.set $at (i32.add (local.get $at) (local.get $stride)))
                    (br_if $halves (i32.ne (local.get $at) (local.get $end))))))
              (br_if $rows_of_block (i32.ne (local.get $row) (local.get $rows))))
            ;; At most 16 * 32 * 3 * 255^2, less than 2^27.
            (i64.store
              (local.get $errors)
              (i64.extend_i32_u
                (i32.add
                  (i32.add
                    (i32x4.extract_lane 0 (local.get $sums))
                    (i32x4.extract_lane 1 (local.get $sums)))
                  (i32.add
                    (i32x4.extract_lane 2 (local.get $sums))
                    (i32x4.extract_lane 3 (local.get $sums))))))))
        (local.set $flags (i32.add (local.get $flags) (i32.const 1)))
        (local.set $errors (i32.add (local.get $errors) (i32.const 8)))
        (local.set $left (i32.add (local.get $left) (i32.const 128)))
        (br_if $blocks (i32.lt_u (local.get $left) (local.get $stride))))
      (local.set $a (i32.add (local.get $a) (i32.shl (local.get $stride) (i32.const 4))))
      (local.set $height (i32.sub (local.get $height) (local.get $rows)))
      (br_if $block_rows (local.get $height))))

  ;; Sums the absolute differences over the flagged blocks' pixels in each atom: between two of the $rows row edges
  ;; and two of the $columns column edges, both in pixels, the last one being the frame's.
  ;;   $lanes   2 * $stride bytes: the sums of each byte over the rows of an atom, in 16 bits
  ;;   $sums    16 bytes for each atom: red, green, blue and 0, in 32 bits
  (func (export "atom_differences")
    (param $before i32) (param $after i32) (param $stride i32) (param $flags i32)
    (param $row_edges i32) (param $rows i32) (param $column_edges i32) (param $columns i32)
    (param $lanes i32) (param $sums i32)
    (local $apart i32) ;; from a byte of `before` to that of `after`
    (local $row i32) (local $rows_left i32) (local $flag i32) (local $row_end i32) (local $block_end i32)
    (local $side_by_side i32) (local $column i32) (local $at i32) (local $end i32)
    (local $vectors_end i32) (local $lane i32) (local $edge i32) (local $edges_end i32) (local $lane_end i32)
    (local $x v128) (local $y v128) (local $difference v128) (local $low v128) (local $high v128)
    (local $sum v128) (local $colours v128)
    (local.set $colours (v128.const i32x4 0x00ffffff 0x00ffffff 0x00ffffff 0x00ffffff)) ;; without alpha
    (local.set $apart (i32.sub (local.get $after) (local.get $before)))
    (local.set $column (local.get $before))
    (loop $row_atoms
      (memory.fill (local.get $lanes) (i32.const 0) (i32.shl (local.get $stride) (i32.const 1)))
      (loop $rows
        ;; Up to four rows of one atom and of one row of blocks.
        (local.set $side_by_side (i32.sub (i32.load offset=4 (local.get $row_edges)) (local.get $row)))
        (local.set $rows_left (i32.sub (i32.const 16) (i32.and (local.get $row) (i32.const 15))))
        (if (i32.gt_u (local.get $rows_left) (i32.const 4)) (then (local.set $rows_left (i32.const 4))))
        (if (i32.gt_u (local.get $side_by_side) (local.get $rows_left))
          (then (local.set $side_by_side (local.get $rows_left))))
        (local.set $flag
          (i32.add
            (local.get $flags)
            (i32.mul
              (i32.shr_u (local.get $row) (i32.const 4))
              (i32.shr_u (i32.add (local.get $stride) (i32.const 127)) (i32.const 7)))))
        (local.set $row (i32.add (local.get $row) (local.get $side_by_side)))
        (local.set $side_by_side (i32.mul (local.get $side_by_side) (local.get $stride)))
        (local.set $row_end (i32.add (local.get $column) (local.get $stride)))
        (local.set $lane (local.get $lanes))
        (loop $blocks
          (local.set $block_end (i32.add (local.get $column) (i32.const 128)))
          (if (i32.gt_u (local.get $block_end) (local.get $row_end))
            (then (local.set $block_end (local.get $row_end))))
          (if (i32.load8_u (local.get $flag))
            (then
              (local.set $vectors_end (i32.sub (local.get $block_end) (i32.const 16)))
              (block $no_more
                (loop $columns
                  (br_if $no_more (i32.gt_u (local.get $column) (local.get $vectors_end)))
                  (local.set $low (v128.load align=8 (local.get $lane)))
                  (local.set $high (v128.load offset=16 align=8 (local.get $lane)))
                  (local.set $at (local.get $column))
                  (local.set $end (i32.add (local.get $at) (local.get $side_by_side)))
                  (loop $vectors
                    (local.set $x (v128.load align=8 (local.get $at)))
                    (local.set $y (v128.load align=8 (i32.add (local.get $at) (local.get $apart))))
                    (local.set $difference
                      (v128.and
                        (local.get $colours)
                        (v128.or
                          (i8x16.sub_sat_u (local.get $x) (local.get $y))
                          (i8x16.sub_sat_u (local.get $y) (local.get $x)))))
                    (local.set $low
                      (i16x8.add (local.get $low) (i16x8.extend_low_i8x16_u (local.get $difference))))
                    (local.set $high
                      (i16x8.add (local.get $high) (i16x8.extend_high_i8x16_u (local.get $difference))))
                    (local.set $at (i32.add (local.get $at) (local.get $stride)))
                    (br_if $vectors (i32.ne (local.get $at) (local.get $end))))
                  (v128.store align=8 (local.get $lane) (local.get $low))
                  (v128.store offset=16 align=8 (local.get $lane) (local.get $high))
                  (local.set $lane (i32.add (local.get $lane) (i32.const 32)))
                  (local.set $column (i32.add (local.get $column) (i32.const 16)))
                  (br $columns)))
              (if (i32.ne (local.get $column) (local.get $block_end))
                (then
                  (local.set $low (v128.load align=8 (local.get $lane)))
                  (local.set $at (local.get $column))
                  (local.set $end (i32.add (local.get $at) (local.get $side_by_side)))
                  (loop $halves
                    (local.set $low
                      (i16x8.add
                        (local.get $low)
                        (i16x8.extend_low_i8x16_u
                          (call $difference
                            (v128.load64_zero (local.get $at))
                            (v128.load64_zero (i32.add (local.get $at) (local.get $apart)))))))
                    (local.set $at (i32.add (local.get $at) (local.get $stride)))
                    (br_if $halves (i32.ne (local.get $at) (local.get $end))))
                  (v128.store align=8 (local.get $lane) (local.get $low)))))
            (else (local.set $lane (i32.add (local.get $lane) (i32.const 256)))))
          (local.set $column (local.get $block_end))
          (local.set $flag (i32.add (local.get $flag) (i32.const 1)))
          (br_if $blocks (i32.ne (local.get $column) (local.get $row_end))))
        (local.set $column
          (i32.add (i32.sub (local.get $column) (local.get $stride)) (local.get $side_by_side)))
        (br_if $rows (i32.ne (local.get $row) (i32.load offset=4 (local.get $row_edges)))))
      (local.set $lane (local.get $lanes))
      (local.set $edge (local.get $column_edges))
      (local.set $edges_end (i32.add (local.get $edge) (i32.shl (local.get $columns) (i32.const 2))))
      (loop $column_atoms
        (local.set $lane_end
          (i32.add (local.get $lanes) (i32.shl (i32.load offset=4 (local.get $edge)) (i32.const 3))))
        (local.set $sum (v128.const i64x2 0 0))
        (loop $pixels
          (local.set $sum (i32x4.add (local.get $sum) (v128.load16x4_u (local.get $lane))))
          (local.set $lane (i32.add (local.get $lane) (i32.const 8)))
          (br_if $pixels (i32.ne (local.get $lane) (local.get $lane_end))))
        (v128.store (local.get $sums) (local.get $sum))
        (local.set $sums (i32.add (local.get $sums) (i32.const 16)))
        (local.set $edge (i32.add (local.get $edge) (i32.const 4)))
        (br_if $column_atoms (i32.ne (local.get $edge) (local.get $edges_end))))
      (local.set $row_edges (i32.add (local.get $row_edges) (i32.const 4)))
      (local.set $rows (i32.sub (local.get $rows) (i32.const 1)))
      (br_if $row_atoms (local.get $rows))))

  ;; Paints $count rectangles over each other, four rows at a time. A byte becomes
  ;; (byte of the picture * weight + addend) / 2^24.
  ;;   $rectangles   5 numbers of 32 bits for each: top, left, bottom, right, paint; some may be empty
  ;;   $paints       8 numbers of 32 bits for each: the weights of red, green, blue and alpha, then the addends
  (func (export "paint_rectangles")
    (param $target i32) (param $picture i32) (param $stride i32) (param $rectangles i32) (param $count i32)
    (param $paints i32)
    (local $apart i32) ;; from a byte of the target to that of the picture
    (local $paint i32) (local $first i32) (local $bytes i32) (local $rows i32)
    (local $side_by_side i32) (local $column i32) (local $columns_end i32) (local $vectors_end i32)
    (local $at i32) (local $end i32)
    (local $weights v128) (local $addends v128) (local $low v128) (local $high v128)
    (local.set $apart (i32.sub (local.get $picture) (local.get $target)))
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $count)))
        (local.set $paint
          (i32.add (local.get $paints) (i32.shl (i32.load offset=16 (local.get $rectangles)) (i32.const 5))))
        (local.set $weights (v128.load align=4 (local.get $paint)))
        (local.set $addends (v128.load offset=16 align=4 (local.get $paint)))
        (local.set $first
          (i32.add
            (i32.add
              (local.get $target)
              (i32.mul (i32.load (local.get $rectangles)) (local.get $stride)))
            (i32.shl (i32.load offset=4 (local.get $rectangles)) (i32.const 2))))
        (local.set $rows
          (i32.sub (i32.load offset=8 (local.get $rectangles)) (i32.load (local.get $rectangles))))
        (local.set $bytes
          (i32.shl
            (i32.sub (i32.load offset=12 (local.get $rectangles)) (i32.load offset=4 (local.get $rectangles)))
            (i32.const 2)))
        (local.set $rectangles (i32.add (local.get $rectangles) (i32.const 20)))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br_if $next
          (i32.or
            (i32.le_s (local.get $rows) (i32.const 0))
            (i32.le_s (local.get $bytes) (i32.const 0))))
        (loop $rows_of_rectangle
          (local.set $side_by_side (local.get $rows))
          (if (i32.gt_u (local.get $side_by_side) (i32.const 4))
            (then (local.set $side_by_side (i32.const 4))))
          (local.set $rows (i32.sub (local.get $rows) (local.get $side_by_side)))
          (local.set $side_by_side (i32.mul (local.get $side_by_side) (local.get $stride)))
          (local.set $column (local.get $first))
          (local.set $columns_end (i32.add (local.get $first) (local.get $bytes)))
          (local.set $vectors_end (i32.sub (local.get $columns_end) (i32.const 16)))
          (block $no_more
            (loop $columns
              (br_if $no_more (i32.gt_u (local.get $column) (local.get $vectors_end)))
              (local.set $at (local.get $column))
              (local.set $end (i32.add (local.get $at) (local.get $side_by_side)))
              (loop $vectors
                (local.set $high (v128.load align=4 (i32.add (local.get $at) (local.get $apart))))
                (local.set $low (i16x8.extend_low_i8x16_u (local.get $high)))
                (local.set $high (i16x8.extend_high_i8x16_u (local.get $high)))
                (v128.store align=4
                  (local.get $at)
                  (i8x16.narrow_i16x8_u
                    (i16x8.narrow_i32x4_u
                      (i32x4.shr_u
                        (i32x4.add
                          (i32x4.mul (i32x4.extend_low_i16x8_u (local.get $low)) (local.get $weights))
                          (local.get $addends))
                        (i32.const 24))
                      (i32x4.shr_u
                        (i32x4.add
                          (i32x4.mul (i32x4.extend_high_i16x8_u (local.get $low)) (local.get $weights))
                          (local.get $addends))
                        (i32.const 24)))
                    (i16x8.narrow_i32x4_u
                      (i32x4.shr_u
                        (i32x4.add
                          (i32x4.mul (i32x4.extend_low_i16x8_u (local.get $high)) (local.get $weights))
                          (local.get $addends))
                        (i32.const 24))
                      (i32x4.shr_u
                        (i32x4.add
                          (i32x4.mul (i32x4.extend_high_i16x8_u (local.get $high)) (local.get $weights))
                          (local.get $addends))
                        (i32.const 24)))))
                (local.set $at (i32.add (local.get $at) (local.get $stride)))
                (br_if $vectors (i32.ne (local.get $at) (local.get $end))))
              (local.set $column (i32.add (local.get $column) (i32.const 16)))
              (br $columns)))
          (block $columns_done
            (loop $columns_of_pixels
              (br_if $columns_done (i32.eq (local.get $column) (local.get $columns_end)))
              (local.set $at (local.get $column))
              (local.set $end (i32.add (local.get $at) (local.get $side_by_side)))
              (loop $pixels
                (local.set $low
                  (i32x4.shr_u
                    (i32x4.add
                      (i32x4.mul
                        (i32x4.extend_low_i16x8_u
                          (i16x8.extend_low_i8x16_u
                            (v128.load32_zero (i32.add (local.get $at) (local.get $apart)))))
                        (local.get $weights))
                      (local.get $addends))
                    (i32.const 24)))
                (local.set $low (i16x8.narrow_i32x4_u (local.get $low) (local.get $low)))
                (v128.store32_lane 0 (local.get $at) (i8x16.narrow_i16x8_u (local.get $low) (local.get $low)))
                (local.set $at (i32.add (local.get $at) (local.get $stride)))
                (br_if $pixels (i32.ne (local.get $at) (local.get $end))))
              (local.set $column (i32.add (local.get $column) (i32.const 4)))
              (br $columns_of_pixels)))
          (local.set $first (i32.add (local.get $first) (local.get $side_by_side)))
          (br_if $rows_of_rectangle (local.get $rows)))
        (br $next))))

  ;; Copies $count rectangles of a frame, and adds the pixels of each that lie in a block to the block's number.
  ;;   $rectangles   4 numbers of 32 bits for each: top, left, bottom, right; some may be empty
  ;;   $copied       a number of 32 bits for each block
  (func (export "copy_rectangles")
    (param $target i32) (param $source i32) (param $stride i32) (param $rectangles i32) (param $count i32)
    (param $copied i32)
    (local $apart i32) ;; from a byte of the target to that of the source
    (local $top i32) (local $left i32) (local $bottom i32) (local $right i32)
    (local $y i32) (local $y_end i32) (local $x i32) (local $x_end i32) (local $at i32) (local $number i32)
    (local.set $apart (i32.sub (local.get $source) (local.get $target)))
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $count)))
        (local.set $y (local.tee $top (i32.load (local.get $rectangles))))
        (local.set $left (i32.load offset=4 (local.get $rectangles)))
        (local.set $bottom (i32.load offset=8 (local.get $rectangles)))
        (local.set $right (i32.load offset=12 (local.get $rectangles)))
        (local.set $rectangles (i32.add (local.get $rectangles) (i32.const 16)))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br_if $next
          (i32.or
            (i32.ge_s (local.get $top) (local.get $bottom))
            (i32.ge_s (local.get $left) (local.get $right))))
        (local.set $at
          (i32.add
            (i32.add (local.get $target) (i32.mul (local.get $top) (local.get $stride)))
            (i32.shl (local.get $left) (i32.const 2))))
        (loop $rows_of_rectangle
          (memory.copy
            (local.get $at)
            (i32.add (local.get $at) (local.get $apart))
            (i32.shl (i32.sub (local.get $right) (local.get $left)) (i32.const 2)))
          (local.set $at (i32.add (local.get $at) (local.get $stride)))
          (local.set $y (i32.add (local.get $y) (i32.const 1)))
          (br_if $rows_of_rectangle (i32.ne (local.get $y) (local.get $bottom))))
        (local.set $y (local.get $top))
        (loop $block_rows
          (local.set $y_end (i32.add (i32.or (local.get $y) (i32.const 15)) (i32.const 1)))
          (if (i32.gt_u (local.get $y_end) (local.get $bottom)) (then (local.set $y_end (local.get $bottom))))
          (local.set $x (local.get $left))
          (local.set $number
            (i32.add
              (local.get $copied)
              (i32.shl
                (i32.add
                  (i32.mul
                    (i32.shr_u (local.get $y) (i32.const 4))
                    (i32.shr_u (i32.add (local.get $stride) (i32.const 127)) (i32.const 7)))
                  (i32.shr_u (local.get $x) (i32.const 5)))
                (i32.const 2))))
          (loop $blocks
            (local.set $x_end (i32.add (i32.or (local.get $x) (i32.const 31)) (i32.const 1)))
            (if (i32.gt_u (local.get $x_end) (local.get $right)) (then (local.set $x_end (local.get $right))))
            (i32.store
              (local.get $number)
              (i32.add
                (i32.load (local.get $number))
                (i32.mul
                  (i32.sub (local.get $y_end) (local.get $y))
                  (i32.sub (local.get $x_end) (local.get $x)))))
            (local.set $number (i32.add (local.get $number) (i32.const 4)))
            (br_if $blocks (i32.ne (local.tee $x (local.get $x_end)) (local.get $right))))
          (br_if $block_rows (i32.ne (local.tee $y (local.get $y_end)) (local.get $bottom))))
        (br $next))))

  ;; Fills $count rectangles with a pixel.
  ;;   $rectangles   as for copy_rectangles
  (func (export "fill_rectangles")
    (param $target i32) (param $stride i32) (param $rectangles i32) (param $count i32) (param $pixel i32)
    (local $first i32) (local $bytes i32) (local $rows i32) (local $at i32) (local $end i32)
    (local $vectors_end i32) (local $pixels v128)
    (local.set $pixels (i32x4.splat (local.get $pixel)))
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $count)))
        (local.set $first
          (i32.add
            (i32.add
              (local.get $target)
              (i32.mul (i32.load (local.get $rectangles)) (local.get $stride)))
            (i32.shl (i32.load offset=4 (local.get $rectangles)) (i32.const 2))))
        (local.set $rows
          (i32.sub (i32.load offset=8 (local.get $rectangles)) (i32.load (local.get $rectangles))))
        (local.set $bytes
          (i32.shl
            (i32.sub (i32.load offset=12 (local.get $rectangles)) (i32.load offset=4 (local.get $rectangles)))
            (i32.const 2)))
        (local.set $rectangles (i32.add (local.get $rectangles) (i32.const 16)))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br_if $next
          (i32.or
            (i32.le_s (local.get $rows) (i32.const 0))
            (i32.le_s (local.get $bytes) (i32.const 0))))
        (loop $rows_of_rectangle
          (local.set $at (local.get $first))
          (local.set $end (i32.add (local.get $first) (local.get $bytes)))
          (local.set $vectors_end (i32.sub (local.get $end) (i32.const 16)))
          (block $no_more
            (loop $vectors
              (br_if $no_more (i32.gt_u (local.get $at) (local.get $vectors_end)))
              (v128.store align=4 (local.get $at) (local.get $pixels))
              (local.set $at (i32.add (local.get $at) (i32.const 16)))
              (br $vectors)))
          (block $row_done
            (loop $rest
              (br_if $row_done (i32.eq (local.get $at) (local.get $end)))
              (i32.store (local.get $at) (local.get $pixel))
              (local.set $at (i32.add (local.get $at) (i32.const 4)))
              (br $rest)))
          (local.set $first (i32.add (local.get $first) (local.get $stride)))
          (local.set $rows (i32.sub (local.get $rows) (i32.const 1)))
          (br_if $rows_of_rectangle (local.get $rows)))
        (br $next))))

  ;; Writes $bytes bytes of a frame, a multiple of 8, at three eighths of its brightness.
  (func (export "dim") (param $frame i32) (param $target i32) (param $bytes i32)
    (local $apart i32) ;; from a byte of the frame to that of the target
    (local $end i32) (local $vectors_end i32) (local $pixels v128)
    (local.set $apart (i32.sub (local.get $target) (local.get $frame)))
    (local.set $end (i32.add (local.get $frame) (local.get $bytes)))
    (local.set $vectors_end (i32.sub (local.get $end) (i32.const 16)))
    (block $no_more
      (loop $vectors
        (br_if $no_more (i32.gt_u (local.get $frame) (local.get $vectors_end)))
        (local.set $pixels (v128.load align=8 (local.get $frame)))
        (v128.store align=8
          (i32.add (local.get $frame) (local.get $apart))
          (v128.or
            (v128.and (local.get $pixels) (v128.const i32x4 0xff000000 0xff000000 0xff000000 0xff000000))
            (i32x4.add
              (v128.and
                (i64x2.shr_u (local.get $pixels) (i32.const 2))
                (v128.const i32x4 0x003f3f3f 0x003f3f3f 0x003f3f3f 0x003f3f3f))
              (v128.and
                (i64x2.shr_u (local.get $pixels) (i32.const 3))
                (v128.const i32x4 0x001f1f1f 0x001f1f1f 0x001f1f1f 0x001f1f1f)))))
        (local.set $frame (i32.add (local.get $frame) (i32.const 16)))
        (br $vectors)))
    (if (i32.ne (local.get $frame) (local.get $end))
      (then
        (v128.store64_lane 0
          (i32.add (local.get $frame) (local.get $apart))
          (call $dimmed (v128.load64_zero (local.get $frame)))))))

  ;; A quarter and an eighth of red, green and blue, each rounded down; alpha as it is. For a frame's last bytes, as
  ;; $difference is for those of rows.
  (func $dimmed (param $pixels v128) (result v128)
    (v128.or
      (v128.and (local.get $pixels) (v128.const i32x4 0xff000000 0xff000000 0xff000000 0xff000000))
      (i32x4.add
        (v128.and
          (i64x2.shr_u (local.get $pixels) (i32.const 2))
          (v128.const i32x4 0x003f3f3f 0x003f3f3f 0x003f3f3f 0x003f3f3f))
        (v128.and
          (i64x2.shr_u (local.get $pixels) (i32.const 3))
          (v128.const i32x4 0x001f1f1f 0x001f1f1f 0x001f1f1f 0x001f1f1f)))))

  ;; The absolute differences of red, green and blue, 0 for alpha: for the ends of rows. Where it is called for
  ;; every vector, the browser's compiler does not inline it, and a frame takes twice the time.
  (func $difference (param $a v128) (param $b v128) (result v128)
    (v128.and
      (v128.or
        (i8x16.sub_sat_u (local.get $a) (local.get $b))
        (i8x16.sub_sat_u (local.get $b) (local.get $a)))
      (v128.const i32x4 0x00ffffff 0x00ffffff 0x00ffffff 0x00ffffff))))
